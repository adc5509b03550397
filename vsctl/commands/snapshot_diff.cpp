#include <unistd.h>

#include "vsctl/columns.hpp"
#include "vsctl/commands/commands.hpp"
#include "vsctl/exit_code.hpp"
#include "vsctl/operation.hpp"
#include "vsctl/text.hpp"
#include "vsd/base/error.hpp"

namespace vs::ctl {
namespace {

constexpr Millis kPatience{1'000};
constexpr std::size_t kReadSize = 65'536;

// "+ /new", "- /old", "M /etc/hosts (content)"; directories end with a slash.
std::string lineOf(const Json& difference) {
  const std::string change = difference.value("change", "");
  std::string line = change == "added" ? "+ " : change == "removed" ? "- " : "M ";
  line += cleanLine(difference.value("path", ""));
  if (difference.value("type", "") == "directory") line += '/';
  const auto what = difference.value("what", std::vector<std::string>());
  if (!what.empty()) line += fmt::format(" ({})", join(what, ", "));
  return line + "\n";
}

// Takes the differences as they come: printed at once for people who did not ask for an order or a
// choice, else kept to the end.
class Differences {
 public:
  explicit Differences(Session& session) : session_(session) {
    const Globals& globals = session.globals();
    atOnce_ = globals.format == "table" && globals.filters.empty() && globals.sort.empty() &&
              globals.columns.empty();
  }

  // Reads what is there; false at the end.
  bool readFrom(int fd) {
    std::string bytes(kReadSize, '\0');
    const ssize_t size = check(::read(fd, bytes.data(), bytes.size()), "read the differences");
    rest_.append(bytes, 0, static_cast<std::size_t>(size));
    std::string lines;
    std::size_t start = 0;
    for (std::size_t end; (end = rest_.find('\n', start)) != std::string::npos; start = end + 1)
      take(parseJson(rest_.substr(start, end - start), "a difference"), lines);
    rest_.erase(0, start);
    if (!lines.empty()) print(lines);
    return size > 0;
  }

  void finish() {
    if (!atOnce_) session_.printItems("DifferenceList", kDiffColumns, std::move(kept_));
  }

 private:
  void take(Json difference, std::string& lines) {
    if (atOnce_)
      lines += lineOf(difference);
    else
      kept_.push_back(std::move(difference));
  }

  Session& session_;
  bool atOnce_ = true;
  std::string rest_;
  Json kept_ = Json::array();
};

// Who leaves (Ctrl-C) closes the pipe: the daemon sees that and ends, too.
int compare(Session& session, const Json& parameters) {
  FdPair pipe = makePipe();
  const int sink = pipe.second.get();
  session.client().send("SnapshotDiff", parameters, api::Client::Expect::One, {&sink, 1});
  pipe.second.reset();
  Differences differences(session);
  bool open = true;
  std::optional<api::Reply> reply;
  while (!reply) {
    reply = session.client().receiveUnless(open ? pipe.first.get() : -1, kPatience);
    if (!reply && open && waitReadable(pipe.first.get(), Millis(0)))
      open = differences.readFrom(pipe.first.get());
  }
  while (open) open = differences.readFrom(pipe.first.get());
  const Json operation = reply->parameters.value("operation", Json::object());
  throwIfFailed(operation);
  differences.finish();
  for (const Json& note : operation.value("notes", Json::array()))
    session.note(cleanLine(note.get<std::string>()));
  return kSuccess;
}

}  // namespace

Action snapshotDiffVerb(Flags& flags) {
  struct Options {
    std::string context;
    std::string snapshot;
    std::vector<std::string> other;
  };
  auto options = std::make_shared<Options>();
  flags.operand("CONTEXT", options->context);
  flags.operand("SNAPSHOT", options->snapshot);
  flags.operands("OTHER", options->other, Flags::Need::Optional);
  return [options](Session& session) {
    if (session.globals().async)
      throw invalid("a comparison cannot be --async").withHint("it is written as it is made");
    if (options->other.size() > 1) throw invalid("more than two snapshots cannot be compared");
    Json parameters = {{"name", options->context}, {"snapshot", options->snapshot}};
    if (!options->other.empty()) parameters["other"] = options->other[0];
    return compare(session, parameters);
  };
}

}  // namespace vs::ctl
