#include "vsd/storage/lvm.hpp"

#include <nettle/base64.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "vsd/base/error.hpp"
#include "vsd/base/json.hpp"
#include "vsd/base/names.hpp"

namespace vs::storage {
namespace {

constexpr const char* kLvm = "/usr/sbin/lvm";
constexpr const char* kGroupFields =
    "vg_name,vg_size,vg_free,vg_tags,vg_lock_type,lv_count,vg_missing_pv_count";
constexpr Millis kLvmDeadline{300'000};  // a shared group may wait for leases
constexpr std::size_t kTagText = 900;    // characters of base64 in one tag
// Contexts' own volumes are never looked into, and our pools are watched by us.
constexpr const char* kConfig =
    "devices{{scan_lvs=0}} activation{{monitoring=0 udev_sync={0} udev_rules={0}}} "
    "global{{notify_dbus=0}} report{{columns_as_rows=0}} log{{verbose=0}}";

std::vector<std::string> splitAtCommas(const std::string& text) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    if (end > begin) parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

Bytes bytesIn(const Json& row, const char* field) {
  const std::string text = row.value(field, "");
  std::uint64_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc()) throw failed("lvm reports '{}' as {}", printable(text), field);
  return {value};
}

double percentIn(const Json& row, const char* field) {
  const std::string text = row.value(field, "");
  return text.empty() ? 0 : std::strtod(text.c_str(), nullptr);
}

// {"report": [{"lv": [{...}, ...]}]}
std::vector<Json> rowsOf(const std::string& report, const char* kind) {
  std::vector<Json> rows;
  const Json json = parseJson(report, "the report of lvm");
  for (const Json& section : json.at("report"))
    if (const auto found = section.find(kind); found != section.end())
      for (const Json& row : *found) rows.push_back(row);
  return rows;
}

// The last lines without the warnings that lvm puts before them.
std::string wordsOf(const std::string& err) {
  std::string text;
  std::size_t begin = 0;
  while (begin < err.size()) {
    const std::size_t end = std::min(err.find('\n', begin), err.size());
    std::string line = err.substr(begin, end - begin);
    begin = end + 1;
    line.erase(0, line.find_first_not_of(' '));
    if (line.empty() || line.starts_with("WARNING:") || line.starts_with("File descriptor"))
      continue;
    text += (text.empty() ? "" : "; ") + line;
  }
  return printable(text, 600);
}

bool saysNoRoom(const std::string& err) {
  for (const char* words : {"nsufficient free space", "nsufficient suitable allocatable extents",
                            "No space left", "free space in thin pool"})
    if (err.find(words) != std::string::npos) return true;
  return false;
}

// With --reportformat json lvm says what is wrong in a section of the report.
Error reportFailed(const std::string& intent, const Output& output) {
  std::string said;
  if (output.out.find("\"log\"") != std::string::npos)
    for (const Json& line : parseJson(output.out, "the report of lvm").value("log", Json::array()))
      if (line.value("log_type", "") == "error") said += line.value("log_message", "") + "\n";
  const Error error = failed("cannot {}: {}", intent, wordsOf(said.empty() ? output.err : said));
  if (said.find("not found") == std::string::npos) return error;
  return Error(error).withHint(
      "its disk is not there, or its LUN not connected: see 'lsblk', 'vgs', 'iscsiadm -m session'");
}

}  // namespace

bool LogicalVolume::has(const std::string& tag) const {
  return std::find(tags.begin(), tags.end(), tag) != tags.end();
}

std::string LogicalVolume::tagged(const std::string& prefix) const {
  for (const std::string& tag : tags)
    if (tag.starts_with(prefix + "=")) return tag.substr(prefix.size() + 1);
  return {};
}

std::vector<LogicalVolume> parseVolumes(const std::string& report) {
  std::vector<LogicalVolume> volumes;
  for (const Json& row : rowsOf(report, "lv")) {
    LogicalVolume volume;
    volume.tags = splitAtCommas(row.value("lv_tags", ""));
    if (!volume.has(kOurTag)) continue;
    volume.name = row.value("lv_name", "");
    volume.size = bytesIn(row, "lv_size");
    volume.pool = row.value("pool_lv", "");
    volume.origin = row.value("origin", "");
    volume.active = row.value("lv_active", "") == "active";
    volume.writable = row.value("lv_permissions", "").starts_with("writeable");
    volume.isThinPool = row.value("segtype", "") == "thin-pool";
    volume.dataPercent = percentIn(row, "data_percent");
    volume.metadataPercent = percentIn(row, "metadata_percent");
    volumes.push_back(std::move(volume));
  }
  return volumes;
}

std::vector<VolumeGroup> parseGroups(const std::string& report) {
  std::vector<VolumeGroup> groups;
  for (const Json& row : rowsOf(report, "vg")) {
    VolumeGroup group;
    group.name = row.value("vg_name", "");
    group.size = bytesIn(row, "vg_size");
    group.free = bytesIn(row, "vg_free");
    group.tags = splitAtCommas(row.value("vg_tags", ""));
    group.volumes = bytesIn(row, "lv_count").value;
    group.missing =
        row.contains("vg_missing_pv_count") ? bytesIn(row, "vg_missing_pv_count").value : 0;
    group.lockType = row.value("vg_lock_type", "");
    if (group.lockType == "none") group.lockType.clear();
    groups.push_back(std::move(group));
  }
  return groups;
}

Output Lvm::run(std::vector<std::string> words, Nodes nodes) const {
  Command command;
  command.argv = {kLvm};
  command.argv.push_back(std::move(words.at(0)));
  command.argv.insert(command.argv.end(),
                      {"--config", fmt::format(kConfig, nodes == Nodes::Udev ? 1 : 0)});
  command.argv.insert(command.argv.end(), std::make_move_iterator(words.begin() + 1),
                      std::make_move_iterator(words.end()));
  command.environment = {"LVM_SUPPRESS_FD_WARNINGS=1"};
  command.deadline = kLvmDeadline;
  command.maxOutput = 64U << 20;
  return runner_.run(command);
}

std::string Lvm::report(const std::string& intent, std::vector<std::string> words) const {
  words.insert(words.begin() + 1, {"--reportformat", "json", "--units", "b", "--nosuffix"});
  if (sharing_ == Sharing::Shared) words.insert(words.begin() + 1, "--nolocking");
  Output output = run(std::move(words), Nodes::Lvm);
  if (output.status != 0) throw reportFailed(intent, output);
  return std::move(output.out);
}

std::optional<VolumeGroup> Lvm::group(const std::string& name) const {
  // Selected, not named: a group that is not there is then no error.
  std::vector<VolumeGroup> found =
      parseGroups(report(fmt::format("look for volume group '{}'", name),
                         {"vgs", "-o", kGroupFields, "-S", "vg_name=" + name}));
  return found.empty() ? std::nullopt : std::optional(std::move(found.front()));
}

std::vector<VolumeGroup> Lvm::groups() const {
  return parseGroups(report("list volume groups", {"vgs", "-o", kGroupFields}));
}

std::vector<LogicalVolume> Lvm::volumes(const std::string& group) const {
  return parseVolumes(
      report(fmt::format("read volume group '{}'", group),
             {"lvs", "-o",
              "lv_name,lv_size,pool_lv,origin,lv_tags,lv_active,lv_permissions,segtype,"
              "data_percent,metadata_percent",
              group}));
}

std::vector<std::string> Lvm::foreignVolumes(const std::string& group) const {
  std::vector<std::string> names;
  const std::string text =
      report(fmt::format("read volume group '{}'", group), {"lvs", "-o", "lv_name,lv_tags", group});
  for (const Json& row : rowsOf(text, "lv")) {
    const std::vector<std::string> tags = splitAtCommas(row.value("lv_tags", ""));
    if (std::ranges::find(tags, kOurTag) == tags.end()) names.push_back(row.value("lv_name", ""));
  }
  return names;
}

std::vector<std::string> Lvm::devices(const std::string& group) const {
  std::vector<std::string> names;
  const std::string text = report(fmt::format("look for the devices of '{}'", group),
                                  {"pvs", "-o", "pv_name", "-S", "vg_name=" + group});
  for (const Json& row : rowsOf(text, "pv")) names.push_back(row.value("pv_name", ""));
  return names;
}

void Lvm::startLocks(const std::string& group) const {
  change(fmt::format("join the hosts that share volume group '{}'", group),
         {"vgchange", "--lockstart", group}, Nodes::Udev);
}

void Lvm::stopLocks(const std::string& group) const {
  change(fmt::format("leave the hosts that share volume group '{}'", group),
         {"vgchange", "--lockstop", group});
}

void Lvm::change(const std::string& intent, std::vector<std::string> words, Nodes nodes) const {
  words.insert(words.begin() + 1, {"-y", "-q"});
  const Output output = run(std::move(words), nodes);
  if (output.status == 0) return;
  const int number = saysNoRoom(output.err) ? ENOSPC : 0;
  const bool held = output.err.find("locked by other host") != std::string::npos;
  const Error error(held ? Kind::Busy : Kind::Failed,
                    fmt::format("cannot {}: {}", intent, wordsOf(output.err)), number);
  if (number == 0) throw error;
  throw Error(error).withHint(
      "give the volume group another disk with 'vgextend', or remove snapshots or contexts");
}

std::vector<std::string> tagsFrom(const std::string& prefix, const std::string& text) {
  std::string encoded(BASE64_ENCODE_RAW_LENGTH(text.size()), '\0');
  ::base64_encode_raw(encoded.data(), text.size(),
                      reinterpret_cast<const std::uint8_t*>(text.data()));
  // The alphabet of base64url without padding (RFC 4648, 5).
  std::replace(encoded.begin(), encoded.end(), '+', '-');
  std::replace(encoded.begin(), encoded.end(), '/', '_');
  encoded.resize(std::min(encoded.find('='), encoded.size()));
  std::vector<std::string> tags;
  const std::size_t count = (encoded.size() + kTagText - 1) / kTagText;
  for (std::size_t i = 0; i < count; ++i)
    // "PREFIX0.3=": the first of three, so that a missing one is noticed.
    tags.push_back(
        fmt::format("{}{}.{}={}", prefix, i, count, encoded.substr(i * kTagText, kTagText)));
  return tags;
}

std::string textFrom(const std::string& prefix, const std::vector<std::string>& tags) {
  std::map<std::size_t, std::string> pieces;
  std::size_t count = 0;
  for (const std::string& tag : tags) {
    if (!tag.starts_with(prefix)) continue;
    const char* end = tag.data() + tag.size();
    std::size_t index = 0;
    auto number = std::from_chars(tag.data() + prefix.size(), end, index);
    if (number.ec != std::errc() || number.ptr == end || *number.ptr != '.') continue;
    number = std::from_chars(number.ptr + 1, end, count);
    if (number.ec != std::errc() || number.ptr == end || *number.ptr != '=') continue;
    pieces[index] = std::string(number.ptr + 1, end);
  }
  if (pieces.size() != count || (count > 0 && pieces.rbegin()->first != count - 1))
    throw failed("{} of {} tags '{}...' are there", pieces.size(), count, prefix);
  std::string encoded;
  for (const auto& [index, piece] : pieces) encoded += piece;
  std::replace(encoded.begin(), encoded.end(), '-', '+');
  std::replace(encoded.begin(), encoded.end(), '_', '/');
  encoded.append((4 - encoded.size() % 4) % 4, '=');
  std::string text(BASE64_DECODE_LENGTH(encoded.size()), '\0');
  std::size_t length = text.size();
  base64_decode_ctx context;
  ::base64_decode_init(&context);
  if (!::base64_decode_update(&context, &length, reinterpret_cast<std::uint8_t*>(text.data()),
                              encoded.size(), encoded.data()) ||
      !::base64_decode_final(&context))
    throw failed("tags '{}...' are damaged", prefix);
  text.resize(length);
  return text;
}

}  // namespace vs::storage
