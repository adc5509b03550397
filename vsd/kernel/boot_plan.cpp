#include "vsd/kernel/boot_plan.hpp"

#include <array>
#include <charconv>
#include <concepts>
#include <cstring>

#include "vsd/base/error.hpp"

namespace vs {
namespace {

// A plan as bytes: a mark, then each field in the order of its `fields` function below. Numbers are
// fixed-size in host byte order, strings and lists are preceded by their length (32 bits). Writer
// and Reader take the same list of fields, so they cannot disagree about it.
constexpr std::string_view kBootMark = "vsd boot plan 2\n";
constexpr std::string_view kExecMark = "vsd exec plan 1\n";
constexpr std::string_view kResumeMark = "vsd resume plan 1\n";
constexpr std::string_view kCageMark = "vsd cage plan 1\n";
constexpr std::size_t kMaxItems = 1U << 16;

class Writer {
 public:
  template <typename T>
  requires std::integral<T> || std::is_enum_v<T>
  void operator()(const T& number) {
    bytes_.append(reinterpret_cast<const char*>(&number), sizeof number);
  }
  void operator()(const std::string& text) {
    (*this)(static_cast<std::uint32_t>(text.size()));
    bytes_.append(text);
  }
  template <typename T>
  void operator()(const std::vector<T>& items) {
    (*this)(static_cast<std::uint32_t>(items.size()));
    for (const T& item : items) {
      if constexpr (std::is_same_v<T, std::string>)
        (*this)(item);
      else
        fields(*this, item);
    }
  }
  template <typename T>
  void nested(const T& value) {
    fields(*this, value);
  }
  std::string take(std::string_view mark) { return std::string(mark) + bytes_; }

 private:
  std::string bytes_;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  template <typename T>
  requires std::integral<T> || std::is_enum_v<T>
  void operator()(T& number) {
    if constexpr (std::is_same_v<T, bool>) {
      std::uint8_t byte = 0;
      (*this)(byte);
      if (byte > 1) throw invalid("a plan holds {} where yes or no is meant", byte);
      number = byte != 0;
    } else {
      std::memcpy(&number, take(sizeof number).data(), sizeof number);
    }
  }
  void operator()(std::string& text) {
    std::uint32_t length = 0;
    (*this)(length);
    text = take(length);
  }
  template <typename T>
  void operator()(std::vector<T>& items) {
    std::uint32_t count = 0;
    (*this)(count);
    if (count > kMaxItems) throw invalid("a plan holds a list of {} items", count);
    for (items.clear(); count > 0; --count) {
      T& item = items.emplace_back();
      if constexpr (std::is_same_v<T, std::string>)
        (*this)(item);
      else
        fields(*this, item);
    }
  }
  template <typename T>
  void nested(T& value) {
    fields(*this, value);
  }
  void finish() const {
    if (!rest_.empty()) throw invalid("a plan goes on for {} bytes after its end", rest_.size());
  }

 private:
  std::string_view take(std::size_t size) {
    if (size > rest_.size()) throw invalid("a plan ends in the middle of a field");
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  std::string_view rest_;
};

template <typename T, typename U>
concept Is = std::same_as<std::remove_const_t<T>, U>;

void fields(auto& io, Is<DeviceNode> auto& node) {
  io(node.name);
  io(node.major);
  io(node.minor);
}

void fields(auto& io, Is<RunFile> auto& file) {
  io(file.path);
  io(file.content);
  io(file.linkTo);
}

void fields(auto& io, Is<Covers> auto& covers) {
  io(covers.emptyFiles);
  io(covers.emptyDirectories);
  io(covers.readOnly);
  io(covers.writable);
}

void fields(auto& io, Is<Confinement> auto& confinement) {
  io(confinement.seccomp);
  io(confinement.capabilities);
  io(confinement.noNewPrivileges);
}

void fields(auto& io, Is<BootPlan> auto& plan) {
  io(plan.name);
  io(plan.hostname);
  io(plan.init);
  io(plan.argv);
  io(plan.environment);
  io(plan.workingDirectory);
  io(plan.user);
  io(plan.ids.first);
  io(plan.ids.count);
  io(plan.stateDirectory);
  io(plan.consoleLog);
  io(plan.consoleLogLimit);
  io(plan.devices);
  io(plan.runFiles);
  io.nested(plan.covers);
  io.nested(plan.confinement);
  io(plan.timeNamespace);
  io(plan.links);
}

void fields(auto& io, Is<ExecPlan> auto& plan) {
  io(plan.argv);
  io(plan.environment);
  io(plan.workingDirectory);
  io(plan.user);
  io(plan.terminal);
  io(plan.columns);
  io(plan.rows);
  io.nested(plan.confinement);
}

void fields(auto& io, Is<CagePlan> auto& plan) {
  io(plan.runDirectory);
  io(plan.cgroup);
}

void fields(auto& io, Is<ExternalMount> auto& mount) {
  io(mount.path);
  io(mount.key);
  io(mount.kind);
  io.nested(mount.device);
}

void fields(auto& io, Is<ResumePlan> auto& plan) {
  io(plan.name);
  io(plan.ids.first);
  io(plan.ids.count);
  io(plan.stateDirectory);
  io(plan.consoleLog);
  io(plan.consoleLogLimit);
  io(plan.group);
  io(plan.externals);
  io.nested(plan.cage);
}

template <typename Plan>
std::string encodePlan(const Plan& plan, std::string_view mark) {
  Writer writer;
  writer.nested(plan);
  return writer.take(mark);
}

template <typename Plan>
Plan decodePlan(std::string_view bytes, std::string_view mark) {
  if (!bytes.starts_with(mark)) throw invalid("these bytes are no plan of this version of vsd");
  Reader reader(bytes.substr(mark.size()));
  Plan plan;
  reader.nested(plan);
  reader.finish();
  if constexpr (requires { plan.argv; })
    if (plan.argv.empty()) throw invalid("a plan names no program");
  return plan;
}

constexpr auto kBootStages = std::to_array<std::string_view>({
    "reading the plan",
    "creating the namespaces",
    "writing the id maps",
    "mapping the root file system",
    "opening the console",
    "creating the cgroup namespace",
    "attaching the root file system",
    "setting up /dev",
    "mounting /proc",
    "mounting /sys",
    "mounting /sys/fs/cgroup",
    "setting up /run",
    "covering entries of /proc and /sys",
    "setting the host name",
    "entering the root file system",
    "bringing up the loopback link",
    "connecting its links",
    "joining a session keyring",
    "installing the system call filter",
    "limiting the capabilities",
    "becoming its user",
    "entering the working directory",
    "recording that it runs",
    "executing its first program",
    "putting criu into its cgroup",
    "building the cage of criu",
    "executing criu",
    "taking over what criu has restored",
});
static_assert(kBootStages.size() == static_cast<std::size_t>(BootStage::Count_));

constexpr auto kExecStages = std::to_array<std::string_view>({
    "reading the plan",
    "entering the cgroup",
    "entering the namespaces",
    "creating the process",
    "opening a terminal",
    "looking up the user",
    "entering the working directory",
    "setting up standard input and output",
    "installing the system call filter",
    "limiting the capabilities",
    "taking on the user's ids",
    "finding the program",
    "executing the program",
    "starting the program",
});
static_assert(kExecStages.size() == static_cast<std::size_t>(ExecStage::Count_));

// The value of "key=" in text of such lines; nullopt when it is not there.
std::optional<std::string_view> lineOf(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    if (line.starts_with(key) && line.substr(key.size()).starts_with('='))
      return line.substr(key.size() + 1);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return std::nullopt;
}

// Reads the number of "key="; false when it is missing, no number or does not fit.
template <typename Number>
bool readNumber(std::string_view text, std::string_view key, Number& number) {
  const std::optional<std::string_view> value = lineOf(text, key);
  if (!value) return false;
  const auto [end, problem] = std::from_chars(value->begin(), value->end(), number);
  return problem == std::errc() && end == value->end();
}

constexpr auto kHowNames = std::to_array<std::string_view>({"exited", "killed", "reboot", "halt"});

void addLine(std::string& text, std::string_view key, std::string_view value) {
  text.append(key).append("=").append(value).append("\n");
}

void addLine(std::string& text, std::string_view key, std::integral auto value) {
  addLine(text, key, std::string_view(std::to_string(value)));
}

}  // namespace

std::string encode(const BootPlan& plan) { return encodePlan(plan, kBootMark); }
std::string encode(const ExecPlan& plan) { return encodePlan(plan, kExecMark); }
std::string encode(const ResumePlan& plan) { return encodePlan(plan, kResumeMark); }
std::string encode(const CagePlan& plan) { return encodePlan(plan, kCageMark); }

BootPlan decodeBootPlan(std::string_view bytes) {
  BootPlan plan = decodePlan<BootPlan>(bytes, kBootMark);
  if (plan.init > InitKind::Command) throw invalid("a boot plan names an unknown kind of init");
  return plan;
}

ExecPlan decodeExecPlan(std::string_view bytes) { return decodePlan<ExecPlan>(bytes, kExecMark); }

ResumePlan decodeResumePlan(std::string_view bytes) {
  return decodePlan<ResumePlan>(bytes, kResumeMark);
}

CagePlan decodeCagePlan(std::string_view bytes) { return decodePlan<CagePlan>(bytes, kCageMark); }

std::string_view describe(BootStage stage) {
  const auto index = static_cast<std::size_t>(stage);
  return index < kBootStages.size() ? kBootStages[index] : "an unknown stage";
}

std::string_view describe(ExecStage stage) {
  const auto index = static_cast<std::size_t>(stage);
  return index < kExecStages.size() ? kExecStages[index] : "an unknown stage";
}

std::string encode(const RunningRecord& record) {
  std::string text;
  addLine(text, "guest", record.guest);
  addLine(text, "guestStart", record.guestStart);
  addLine(text, "init", record.init);
  addLine(text, "initStart", record.initStart);
  addLine(text, "bootId", record.bootId);
  addLine(text, "since", record.since);
  return text;
}

std::string encode(const EndedRecord& record) {
  std::string text;
  addLine(text, "how", kHowNames[static_cast<std::size_t>(record.how)]);
  addLine(text, "value", record.value);
  addLine(text, "at", record.at);
  return text;
}

std::optional<RunningRecord> decodeRunning(std::string_view text) {
  RunningRecord record;
  const std::optional<std::string_view> boot = lineOf(text, "bootId");
  if (!boot || boot->empty() || !readNumber(text, "guest", record.guest) ||
      !readNumber(text, "guestStart", record.guestStart) ||
      !readNumber(text, "init", record.init) || !readNumber(text, "initStart", record.initStart) ||
      !readNumber(text, "since", record.since))
    return std::nullopt;
  if (record.guest <= 1 || record.init <= 1) return std::nullopt;  // never what we started
  record.bootId = *boot;
  return record;
}

std::optional<EndedRecord> decodeEnded(std::string_view text) {
  EndedRecord record;
  const std::optional<std::string_view> how = lineOf(text, "how");
  if (!how || !readNumber(text, "value", record.value) || !readNumber(text, "at", record.at))
    return std::nullopt;
  for (std::size_t i = 0; i < kHowNames.size(); ++i) {
    if (kHowNames[i] != *how) continue;
    record.how = static_cast<EndedRecord::How>(i);
    return record;
  }
  return std::nullopt;
}

}  // namespace vs
