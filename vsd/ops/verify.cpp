#include "vsd/ops/verify.hpp"

#include <fmt/core.h>
#include <sys/stat.h>

#include <charconv>
#include <map>

#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"
#include "vsd/kernel/id_map.hpp"
#include "vsd/ops/running.hpp"

namespace vs {
namespace {

using Status = std::map<std::string, std::string>;

// The lines of proc_pid_status(5).
Status statusOf(const std::string& directory) {
  Status status;
  const std::string text = readFile(directory + "/status");
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = std::string_view(text).substr(at, end - at);
    const std::size_t colon = line.find(':');
    const std::size_t value = line.find_first_not_of(" \t", colon + 1);
    if (colon != std::string_view::npos && value != std::string_view::npos)
      status.emplace(line.substr(0, colon), line.substr(value));
    at = end + 1;
  }
  return status;
}

std::uint64_t maskOf(const std::string& digits) {
  std::uint64_t mask = ~0ULL;
  std::from_chars(digits.data(), digits.data() + digits.size(), mask, 16);
  return mask;
}

std::string namespaceOf(const std::string& directory, const char* kind) {
  struct stat status {};
  const std::string path = fmt::format("{}/ns/{}", directory, kind);
  check(::stat(path.c_str(), &status), "look at '{}'", path);
  return fmt::format("{}:{}", status.st_dev, status.st_ino);
}

class Verifier {
 public:
  Verifier(const Definition& definition, pid_t init)
      : definition_(definition),
        policy_(confinementOf(isolationOf(definition))),
        init_(fmt::format("/proc/{}", init)) {}

  void verifyProcess(pid_t pid) const {
    const std::string process = fmt::format("/proc/{}", pid);
    if (spaced(readFile(process + "/uid_map")) != spaced(idMapLine(definition_.ids)) ||
        spaced(readFile(process + "/gid_map")) != spaced(idMapLine(definition_.ids)))
      refuse(pid, "has ids of others");
    for (const char* kind : {"user", "pid", "net", "ipc", "uts"})
      if (namespaceOf(process, kind) != namespaceOf(init_, kind))
        refuse(pid, fmt::format("is in a namespace of its own ({})", kind));
    for (const std::string& thread : listDirectory(process + "/task"))
      verifyThread(pid, process + "/task/" + thread);
  }

 private:
  void verifyThread(pid_t pid, const std::string& directory) const {
    const Status status = statusOf(directory);
    const auto value = [&](const char* key) {
      const auto found = status.find(key);
      return found == status.end() ? std::string() : found->second;
    };
    if (value("State").starts_with('Z')) return;
    for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"})
      if ((maskOf(value(set)) & ~policy_.capabilities) != 0)
        refuse(pid, fmt::format("has capabilities that no task here has ({} {})", set, value(set)));
    if (!policy_.seccomp.empty() && value("Seccomp") != "2")
      refuse(pid, "has no system call filter");
    if (policy_.noNewPrivileges && value("NoNewPrivs") != "1") refuse(pid, "could gain privileges");
  }

  // The kernel pads the columns of an id map.
  static std::string spaced(const std::string& text) {
    std::string words;
    for (const char c : text)
      if (c != ' ' && c != '\n')
        words += c;
      else if (!words.empty() && words.back() != ' ')
        words += ' ';
    return words;
  }

  [[noreturn]] void refuse(pid_t pid, const std::string& what) const {
    throw Error(Kind::Denied,
                fmt::format("context '{}' is not let run: process {} of its memory {}",
                            definition_.name, pid, what))
        .withHint("somebody has changed the memory image, or it is from a context of another kind");
  }

  const Definition& definition_;
  Confinement policy_;
  std::string init_;
};

}  // namespace

void verifyTasks(const Host& host, const Definition& definition, pid_t init) {
  const Verifier verifier(definition, init);
  for (const pid_t pid : cgroupOf(host, definition.name).pids()) verifier.verifyProcess(pid);
}

}  // namespace vs
