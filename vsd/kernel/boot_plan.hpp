// What vsd tells vsd-guest, as plain values: everything that must be decided is decided in vsd and
// written here; vsd-guest only carries it out. Also the words the two exchange while it does.
//
// A plan travels as bytes in a sealed anonymous file on descriptor kPlanFd (encode/decode below, no
// JSON: vsd-guest stays small). The conversation is on descriptor kTalkFd, a SOCK_SEQPACKET pair:
//
//   run:   guest -> vsd   Ready                      it stands; vsd may move it into its cgroup
//          vsd -> guest   Go + directory of the payload cgroup
//          guest -> vsd   Prepared{init pid}         only when the plan has links: its namespaces
//          vsd -> guest   Go                         are there, nothing of it runs yet
//          guest -> vsd   Running{init pid} | Failed{stage, errno}
//   resume: guest -> vsd   Ready
//          vsd -> guest   Go + directory of the payload cgroup
//          guest -> vsd   Prepared{pid of criu}      in its cgroup and its cage; it waits
//          vsd -> guest   Go                         it may begin; vsd talks to it on kCriuFd
//          vsd -> guest   Restored{init pid} + master of the console, where there is one
//          guest -> vsd   Running{init pid} | Failed{stage, errno}
//   criu:  helper -> vsd  Failed{stage, errno}, or nothing: it has become criu
//   exec:  helper -> caller  Terminal + master fd    (only with a terminal)
//          helper -> caller  Running{pid} | Failed{stage, errno}
//          caller -> helper  Signal{number}          any time after
//          helper -> caller  Ended{status}           exit status, or 128 + signal
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vs {

inline constexpr int kPlanFd = 3;
inline constexpr int kTalkFd = 4;
inline constexpr int kRootFd = 5;     // run: the root file system's directory (O_PATH)
inline constexpr int kPayloadFd = 6;  // exec: directory of the cgroup to run in
inline constexpr int kCriuFd = 6;     // resume: the other end of vsd's talk with criu
// resume: vsd's own end of it, so that criu waits, and lets nothing run, when vsd is gone.
inline constexpr int kCriuOtherFd = 7;
inline constexpr int kDumpFd = 5;   // criu: as kCriuFd
inline constexpr int kInitFd = 5;   // exec: pidfd of the context's init
inline constexpr int kStdioFd = 7;  // exec without a terminal: 7, 8, 9 become stdin, out, err

enum class TalkType : std::uint8_t {
  Ready = 1,
  Go,
  Running,
  Failed,
  Terminal,
  Signal,
  Ended,
  WindowSize,
  Prepared,
  Restored
};

// One message of the conversation; fixed size, host byte order (both ends are this machine).
struct Talk {
  TalkType type{};
  std::uint8_t stage = 0;     // Failed: a BootStage or ExecStage
  std::uint16_t columns = 0;  // WindowSize
  std::uint16_t rows = 0;     // WindowSize
  std::int32_t value =
      0;  // Prepared, Running, Restored: pid · Failed: errno · Signal: number · Ended: status
};
static_assert(sizeof(Talk) == 12);

struct IdRange {
  std::uint32_t first = 0;  // host id of the context's id 0; never 0
  std::uint32_t count = 65536;
  bool operator==(const IdRange&) const = default;
};

struct DeviceNode {
  std::string name;  // below /dev
  std::uint32_t major = 0;
  std::uint32_t minor = 0;
};

// A file that is written to the context's own /run before its init starts; directories above it are
// made. An empty `linkTo` means a file with `content`.
struct RunFile {
  std::string path;  // relative to /run
  std::string content;
  std::string linkTo;
};

// What stands in the way of seeing or changing the host through /proc and /sys ("vproc" of old).
struct Covers {
  std::vector<std::string> emptyFiles;        // read as nothing
  std::vector<std::string> emptyDirectories;  // list as nothing
  std::vector<std::string> readOnly;
  std::vector<std::string> writable;  // exceptions below a readOnly path
};

// How the first program of a context is to be started and treated.
enum class InitKind : std::uint8_t {
  System,   // an init of its own (systemd, sysv): it is process 1
  Command,  // a single program; vsd-guest's reaper is process 1 and this its child
};

struct Confinement {
  std::string seccomp;             // struct sock_filter[], as bytes
  std::uint64_t capabilities = 0;  // bounding set (and permitted, effective) as a bit mask
  bool noNewPrivileges = false;
};

struct BootPlan {
  std::string name;  // context
  std::string hostname;
  InitKind init = InitKind::System;
  std::vector<std::string> argv;  // argv[0] absolute inside the context
  std::vector<std::string> environment;
  std::string workingDirectory = "/";
  std::string user;  // Command only: as in ExecPlan
  IdRange ids;
  std::string stateDirectory;                // /run/vsd/contexts/NAME on the host
  std::string consoleLog;                    // host path
  std::uint64_t consoleLogLimit = 1U << 20;  // bytes; then it is renamed to .1
  std::vector<DeviceNode> devices;
  std::vector<RunFile> runFiles;
  Covers covers;
  Confinement confinement;
  bool timeNamespace = true;
  bool links = false;  // vsd puts network devices into it before it runs
};

struct ExecPlan {
  std::vector<std::string> argv;  // argv[0] may be a bare name: looked up in PATH inside
  std::vector<std::string> environment;
  std::string workingDirectory;  // "" = the user's home, else absolute
  std::string user;              // "" = root; NAME, UID, NAME:GROUP or UID:GID, resolved inside
  bool terminal = false;
  std::uint16_t columns = 80;
  std::uint16_t rows = 24;
  Confinement confinement;
};

// Where criu works: a mount namespace of its own with nothing in it but the host's /usr to be read,
// new /proc and /sys, and what is named here (DR3).
struct CagePlan {
  std::string
      runDirectory;    // of the host, becomes /run: criu keeps there what it knows of the kernel
  std::string cgroup;  // of the host, becomes /cgroup; empty: none
};

// A mount of a context that criu neither saves nor makes, but takes from outside by an opaque key.
struct ExternalMount {
  enum class Kind : std::uint8_t {
    Device,   // `device`
    Nothing,  // an empty file or directory, as what it covers is
    Cgroup,   // the context's own cgroup tree
  };
  std::string path;  // inside
  std::string key;   // of letters, digits and dashes only
  Kind kind = Kind::Device;
  DeviceNode device;
};

struct ResumePlan {
  std::string name;
  IdRange ids;
  std::string stateDirectory;  // these three as in BootPlan
  std::string consoleLog;
  std::uint64_t consoleLogLimit = 1U << 20;
  std::string group;  // below the payload cgroup, "" for itself: where its processes begin
  std::vector<ExternalMount> externals;
  CagePlan cage;
};
// Where the cage of a restore has the root file system and the external mounts.
inline constexpr std::string_view kCageRoot = "/root";
inline constexpr std::string_view kCageExternals = "/external";

std::string encode(const BootPlan& plan);
std::string encode(const ExecPlan& plan);
std::string encode(const ResumePlan& plan);
std::string encode(const CagePlan& plan);
// Throw InvalidParameter on bytes that are no such plan.
BootPlan decodeBootPlan(std::string_view bytes);
ExecPlan decodeExecPlan(std::string_view bytes);
ResumePlan decodeResumePlan(std::string_view bytes);
CagePlan decodeCagePlan(std::string_view bytes);

// Where starting a context can fail, and the words for it. The message a user reads is
// "start context 'web1': mounting /proc: Operation not permitted".
enum class BootStage : std::uint8_t {
  Plan,
  Namespaces,
  IdMaps,
  RootMount,
  Console,
  CgroupNamespace,
  Root,
  Dev,
  Proc,
  Sys,
  CgroupMount,
  Run,
  Covers,
  Hostname,
  Pivot,
  Loopback,
  Links,
  Keyring,
  Seccomp,
  Capabilities,
  Ids,
  WorkingDirectory,
  Record,
  Exec,
  CriuCgroup,
  Cage,
  Criu,
  Restored,
  Count_
};
std::string_view describe(BootStage stage);

enum class ExecStage : std::uint8_t {
  Plan,
  Cgroup,
  Namespaces,
  Fork,
  Terminal,
  User,
  WorkingDirectory,
  Stdio,
  Seccomp,
  Capabilities,
  Ids,
  NotFound,
  NotExecutable,
  Exec,
  Count_
};
std::string_view describe(ExecStage stage);

// The content of stateDirectory/running, written by vsd-guest before the init runs its first
// instruction, and of stateDirectory/ended.
struct RunningRecord {
  pid_t guest = 0;
  std::uint64_t guestStart = 0;  // clock ticks since boot
  pid_t init = 0;                // host pid
  std::uint64_t initStart = 0;
  std::string bootId;
  std::int64_t since = 0;  // seconds since 1970
};
struct EndedRecord {
  enum class How : std::uint8_t { Exited, Killed, Reboot, Halt };
  How how = How::Exited;
  int value = 0;        // exit status or signal
  std::int64_t at = 0;  // seconds since 1970
};
std::string encode(const RunningRecord& record);
std::string encode(const EndedRecord& record);
// nullopt for text that is no record (a torn write cannot happen: both are renamed into place).
std::optional<RunningRecord> decodeRunning(std::string_view text);
std::optional<EndedRecord> decodeEnded(std::string_view text);

}  // namespace vs
