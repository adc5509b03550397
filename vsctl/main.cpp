// vsctl, the command line of vsd. It is only a client: it finds the verb, parses its flags, and
// asks the daemon. Start-up time counts (exec is one call and one relay), so only the parser of the
// verb in use is built.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "vsctl/completion.hpp"
#include "vsctl/exit_code.hpp"
#include "vsctl/help.hpp"
#include "vsctl/session.hpp"
#include "vsctl/verbs.hpp"
#include "vsd/base/error.hpp"

namespace vs::ctl {
namespace {

// A descriptor we open must never become 0, 1 or 2.
void openStandardDescriptors() {
  for (int fd = 0; fd < 3; ++fd)
    if (::fcntl(fd, F_GETFD) < 0 && ::open("/dev/null", O_RDWR) < 0) ::_exit(kFailure);
}

// For errors before the flags are parsed.
std::string wishedFormat(const std::vector<std::string>& arguments) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--") break;
    if (arguments[i] == "--format=json") return "json";
    if (arguments[i] == "--format" && i + 1 < arguments.size()) return arguments[i + 1];
  }
  return "table";
}

bool isAmong(const std::vector<std::string>& words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}

int runVerb(const Verb& verb, std::vector<std::string> words) {
  Parser parser = makeParser(verb);
  CutWords cut = cutRest(verb, *parser.flags, std::move(words));
  try {
    if (parser.flags->parse(std::move(cut.own)) == Flags::Parsed::HelpWanted) {
      print(verbHelp(verb, *parser.flags));
      return kSuccess;
    }
  } catch (Error& error) {
    throw error.withHint(fmt::format("see 'vsctl {} --help'", verb.name));
  }
  parser.globals->formatKind();  // throws for a format there is none of
  Session session(*parser.globals, std::move(cut.rest));
  return parser.action(session);
}

// What is said when the words begin with no verb.
int explain(const CommandLine& line) {
  const bool asked =
      isAmong(line.globals, "--help") || isAmong(line.words, "--help") || isAmong(line.words, "-h");
  if (line.words.empty() || line.words[0] == "help") {
    if (line.words.empty() && !asked) throw invalid("which verb?").withHint("see 'vsctl --help'");
    print(overview());
    return kSuccess;
  }
  const std::string& word = line.words[0];
  if (isNoun(word) && (line.words.size() == 1 || asked)) {
    if (!asked)
      throw invalid("{} what?", word).withHint(fmt::format("see 'vsctl {} --help'", word));
    print(nounHelp(word));
    return kSuccess;
  }
  throw invalid("there is no verb '{}'", isNoun(word) ? word + " " + line.words[1] : word)
      .withHint("'vsctl --help' lists all verbs");
}

int run(const std::vector<std::string>& arguments) {
  if (!arguments.empty() && arguments[0].starts_with("__")) return runHidden(arguments);
  const CommandLine line = splitCommandLine(arguments);
  if (isAmong(line.globals, "--version")) {
    print("vsctl " VSD_VERSION "\n");
    return kSuccess;
  }
  const FoundVerb found = findVerb(line.words);
  if (found.verb == nullptr) return explain(line);
  std::vector<std::string> words = line.globals;
  words.insert(words.end(), line.words.begin() + static_cast<std::ptrdiff_t>(found.words),
               line.words.end());
  return runVerb(*found.verb, std::move(words));
}

// exec has exit codes of its own, since 1 to 124 are the program's.
bool isExec(const std::vector<std::string>& arguments) {
  try {
    const FoundVerb found = findVerb(splitCommandLine(arguments).words);
    return found.verb != nullptr && (found.verb->name == "exec" || found.verb->name == "enter");
  } catch (const Error&) {
    return false;
  }
}

int main(const std::vector<std::string>& arguments) {
  openStandardDescriptors();
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return run(arguments);
  } catch (const Error& thrown) {
    printError(errorText(thrown, "", wishedFormat(arguments)));
    return isExec(arguments) ? kExecFailed : exitCodeFor(thrown.kind());
  } catch (const std::exception& thrown) {
    printError(errorText(failed("{}", thrown.what()), "", wishedFormat(arguments)));
    return isExec(arguments) ? kExecFailed : kFailure;
  }
}

}  // namespace
}  // namespace vs::ctl

int main(int count, char** values) { return vs::ctl::main({values + 1, values + count}); }
