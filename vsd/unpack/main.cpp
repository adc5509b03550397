// vsd-unpack: unpacks or surveys a foreign archive, measures or packs a tree, in a cage. Started by
// vsd, one archive a process; of no use to people.
//
//   vsd-unpack extract|survey|measure|create --ids FIRST --archive FD --target FD --following N
//                                            --max-bytes N --max-size N --max-entries N --max-depth
//                                            N
//
//   measure  leaves the archive alone; survey, the tree
//   --following  so many bytes at the end of the file are no part of the archive
//
//   stderr  now and then "progress ENTRIES BYTES ARCHIVE-BYTES"
//   stdout  one JSON object: the summary, or {"error", "kind", "errno", "hint"}
//   status  0 done · 1 refused or failed, as stdout says · 128 + signal: the cage ended it
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <clocale>
#include <cstdio>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "vsd/base/error.hpp"
#include "vsd/base/fd.hpp"
#include "vsd/base/hash.hpp"
#include "vsd/base/json.hpp"
#include "vsd/unpack/cage.hpp"
#include "vsd/unpack/extract.hpp"
#include "vsd/unpack/measure.hpp"
#include "vsd/unpack/pack.hpp"
#include "vsd/unpack/survey.hpp"

namespace vs::unpack {
namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  std::string verb;
  std::map<std::string, std::optional<std::uint64_t>, std::less<>> numbers{
      {"--ids", {}},       {"--archive", {}},  {"--target", {}},      {"--following", {}},
      {"--max-bytes", {}}, {"--max-size", {}}, {"--max-entries", {}}, {"--max-depth", {}}};

  template <typename Number>
  Number at(std::string_view name) const {
    return static_cast<Number>(numbers.find(name)->second.value());
  }
};

Options parseOptions(int argc, char** argv) {
  Options options;
  if (argc < 2) throw invalid("usage: vsd-unpack extract|survey|measure|create OPTIONS");
  options.verb = argv[1];
  constexpr std::array<std::string_view, 4> kVerbs{"extract", "survey", "measure", "create"};
  if (std::ranges::find(kVerbs, options.verb) == kVerbs.end())
    throw invalid("unknown verb '{}'", options.verb);
  for (int i = 2; i < argc; i += 2) {
    const auto option = options.numbers.find(std::string_view(argv[i]));
    if (option == options.numbers.end()) throw invalid("unknown option '{}'", argv[i]);
    const std::string_view text = i + 1 < argc ? argv[i + 1] : "";
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), option->second.emplace());
    if (error != std::errc{} || end != text.data() + text.size())
      throw invalid("option '{}' needs a number", argv[i]);
  }
  for (const auto& [name, value] : options.numbers)
    if (!value) throw invalid("option '{}' is missing", name);
  return options;
}

// At most five lines a second.
void tell(const Summary& summary) {
  static Clock::time_point last;
  const Clock::time_point now = Clock::now();
  if (now - last < std::chrono::milliseconds(200)) return;
  last = now;
  const std::string line =
      fmt::format("progress {} {} {}\n", summary.entries, summary.bytes, summary.archive);
  if (::write(STDERR_FILENO, line.data(), line.size()) < 0) return;  // nobody listens
}

void answer(const Json& json) { writeAll(STDOUT_FILENO, json.dump() + "\n", "the answer"); }

Json toJson(const Summary& summary) {
  return {{"entries", summary.entries},
          {"bytes", summary.bytes},
          {"disk", summary.disk},
          {"largest", summary.largest},
          {"archive", summary.archive},
          {"sha256", summary.sha256},
          {"following", hexOf(summary.following)},
          {"skipped", summary.skipped},
          {"skippedCount", summary.skippedCount}};
}

Summary run(const Options& options) {
  const bool extracting = options.verb == "extract";
  const Bounds bounds{
      options.at<std::uint64_t>("--max-bytes"), options.at<std::uint64_t>("--max-size"),
      options.at<std::uint64_t>("--max-entries"), options.at<unsigned>("--max-depth")};
  const Fd archive =
      enterCage({options.at<std::uint32_t>("--ids"), 65536}, options.at<int>("--target"),
                options.at<int>("--archive"), extracting ? TreeAccess::Write : TreeAccess::Read);
  const Fd root(check(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open the target"));
  if (extracting)
    return extract(archive.get(), root.get(), bounds, options.at<std::size_t>("--following"), tell);
  if (options.verb == "survey") return survey(archive.get(), bounds, tell);
  return options.verb == "measure" ? measure(root.get(), bounds, tell)
                                   : pack(root.get(), archive.get(), bounds, tell);
}

}  // namespace
}  // namespace vs::unpack

int main(int argc, char** argv) {
  using namespace vs;
  using namespace vs::unpack;
  // Names in archives are UTF-8; without this libarchive would look for a converter, and none is in
  // the cage.
  std::setlocale(LC_ALL, "C.UTF-8");
  try {
    answer(toJson(run(parseOptions(argc, argv))));
    return 0;
  } catch (const Error& error) {
    answer({{"error", error.text()},
            {"kind", nameOf(error.kind())},
            {"errno", error.errnoValue()},
            {"hint", error.hint()}});
  } catch (const std::bad_alloc&) {
    answer({{"error", "the archive needs more memory than the cage has"},
            {"kind", nameOf(Kind::InvalidParameter)}});
  } catch (const std::exception& error) {
    answer({{"error", error.what()}, {"kind", nameOf(Kind::Failed)}});
  }
  return 1;
}
