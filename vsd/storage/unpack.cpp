#include "vsd/storage/unpack.hpp"

#include <charconv>
#include <optional>

#include "vsd/base/error.hpp"
#include "vsd/base/fd.hpp"
#include "vsd/base/json.hpp"
#include "vsd/base/names.hpp"

namespace vs::storage {
namespace {

struct Task {
  std::string verb;
  int archive;
  int target;
  std::size_t following = 0;
};

// "progress ENTRIES BYTES ARCHIVE-BYTES"; nullopt for any other line.
std::optional<UnpackProgress> progressIn(std::string_view line) {
  constexpr std::string_view kWord = "progress ";
  if (!line.starts_with(kWord)) return std::nullopt;
  line.remove_prefix(kWord.size());
  UnpackProgress progress;
  for (std::uint64_t* number :
       {&progress.entries, &progress.bytes.value, &progress.archive.value}) {
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), *number);
    if (error != std::errc{}) return std::nullopt;
    line.remove_prefix(static_cast<std::size_t>(end - line.data()));
    if (line.starts_with(' ')) line.remove_prefix(1);
  }
  return progress;
}

// What the helper says when it gives up; it is our own program, but it has read foreign bytes.
Error errorIn(const Json& answer) {
  const auto kind = kindFrom(answer.value("kind", ""));
  Error error(kind.value_or(Kind::Failed), printable(answer.value("error", ""), 1000),
              answer.value("errno", 0));
  const std::string hint = printable(answer.value("hint", ""), 1000);
  return hint.empty() ? error : error.withHint(hint);
}

UnpackResult resultIn(const Json& answer) {
  UnpackResult result;
  result.entries = answer.at("entries").get<std::uint64_t>();
  result.bytes = {answer.at("bytes").get<std::uint64_t>()};
  result.disk = {answer.at("disk").get<std::uint64_t>()};
  result.largest = {answer.at("largest").get<std::uint64_t>()};
  result.archive = {answer.at("archive").get<std::uint64_t>()};
  result.sha256 = printable(answer.at("sha256").get<std::string>());
  result.following = printable(answer.at("following").get<std::string>(), 1000);
  result.skippedCount = answer.at("skippedCount").get<std::uint64_t>();
  for (const Json& line : answer.at("skipped"))
    result.skipped.push_back(printable(line.get<std::string>(), 300));
  return result;
}

UnpackResult readAnswer(const Output& output) {
  if (output.status >= 128)
    throw failed("the unpacker was ended by signal {}", output.status - 128)
        .withHint("an archive that makes the unpacker break its rules is not to be trusted");
  try {
    const Json answer = parseJson(output.out, "the unpacker's answer");
    if (answer.contains("error")) throw errorIn(answer);
    return resultIn(answer);
  } catch (const Json::exception&) {
    throw failed("the unpacker gave no proper answer: {}", printable(output.err, 500));
  }
}

UnpackResult runHelper(Runner& runner, const Cage& cage, const Task& task) {
  Command command;
  command.argv = {cage.program,    task.verb,
                  "--ids",         std::to_string(cage.firstId),
                  "--archive",     std::to_string(task.archive),
                  "--target",      std::to_string(task.target),
                  "--following",   std::to_string(task.following),
                  "--max-bytes",   std::to_string(cage.bounds.bytes.value),
                  "--max-size",    std::to_string(cage.bounds.size.value),
                  "--max-entries", std::to_string(cage.bounds.entries),
                  "--max-depth",   std::to_string(cage.bounds.depth)};
  command.inheritedFds = {task.archive, task.target};
  command.deadline = cage.bounds.deadline;
  command.maxOutput = 1U << 20;
  command.isCancelled = cage.isCancelled;
  command.onErrorLine = [&cage](std::string_view line) {
    const auto progress = progressIn(line);
    if (cage.onProgress && progress) cage.onProgress(*progress);
  };
  return readAnswer(runner.run(command));
}

}  // namespace

UnpackResult unpackArchive(Runner& runner, const Cage& cage, int archiveFd, int targetFd) {
  return runHelper(runner, cage, {"extract", archiveFd, targetFd});
}

UnpackResult unpackArchive(Runner& runner, const Cage& cage, int archiveFd, int targetFd,
                           const std::string& sha256) {
  UnpackResult result = unpackArchive(runner, cage, archiveFd, targetFd);
  if (result.sha256 != sha256)
    throw invalid("the archive has the checksum {}, not {}", result.sha256, printable(sha256))
        .withHint("fetch the archive again from a source that can be trusted");
  return result;
}

UnpackResult unpackFollowed(Runner& runner, const Cage& cage, int archiveFd, int targetFd,
                            std::size_t count) {
  return runHelper(runner, cage, {"extract", archiveFd, targetFd, count});
}

UnpackResult surveyArchive(Runner& runner, const Cage& cage, int archiveFd, int emptyFd) {
  return runHelper(runner, cage, {"survey", archiveFd, emptyFd});
}

UnpackResult measureTree(Runner& runner, const Cage& cage, int targetFd) {
  const Fd nothing = makeSealedFile("no archive", "");
  return runHelper(runner, cage, {"measure", nothing.get(), targetFd});
}

UnpackResult packTree(Runner& runner, const Cage& cage, int targetFd, int archiveFd) {
  return runHelper(runner, cage, {"create", archiveFd, targetFd});
}

}  // namespace vs::storage
