#include "checkpoint/image_file.hpp"

#include <cstring>

#include "checkpoint/criu_images.pb.h"
#include "vsd/base/error.hpp"

namespace vs::checkpoint {
namespace {

constexpr std::uint32_t kCommonMagic = 0x54564319;
constexpr std::size_t kWord = sizeof(std::uint32_t);

std::uint32_t takeWord(std::string_view& bytes) {
  if (bytes.size() < kWord) throw invalid("an image file ends in the middle of a number");
  std::uint32_t word = 0;
  std::memcpy(&word, bytes.data(), kWord);
  bytes.remove_prefix(kWord);
  return word;
}

void addWord(std::string& bytes, std::uint32_t word) {
  bytes.append(reinterpret_cast<const char*>(&word), kWord);
}

}  // namespace

std::vector<std::string_view> entriesOf(std::string_view bytes, std::uint32_t magic) {
  std::vector<std::string_view> entries;
  if (bytes.empty()) return entries;
  if (takeWord(bytes) != kCommonMagic || takeWord(bytes) != magic)
    throw invalid("an image file is not of the kind it should be");
  while (!bytes.empty()) {
    const std::uint32_t size = takeWord(bytes);
    if (size > bytes.size()) throw invalid("an image file ends in the middle of an entry");
    entries.push_back(bytes.substr(0, size));
    bytes.remove_prefix(size);
  }
  return entries;
}

std::string fileOf(const std::vector<std::string>& entries, std::uint32_t magic) {
  std::string bytes;
  addWord(bytes, kCommonMagic);
  addWord(bytes, magic);
  for (const std::string& entry : entries) {
    addWord(bytes, static_cast<std::uint32_t>(entry.size()));
    bytes += entry;
  }
  return bytes;
}

std::string withTimersArmed(std::string_view bytes) {
  bool mended = false;
  std::vector<std::string> entries;
  for (const std::string_view entry : entriesOf(bytes, kFilesMagic)) {
    image::File file;
    if (!file.ParseFromArray(entry.data(), static_cast<int>(entry.size())))
      throw invalid("files.img holds an entry that is no file");
    const image::TimerDescriptor& timer = file.timer();
    const bool isPeriodic = timer.interval_seconds() != 0 || timer.interval_nanoseconds() != 0;
    const bool isOff = timer.value_seconds() == 0 && timer.value_nanoseconds() == 0;
    if (file.has_timer() && isPeriodic && isOff) {
      file.mutable_timer()->set_value_nanoseconds(1);
      mended = true;
      entries.push_back(file.SerializeAsString());
    } else {
      entries.emplace_back(entry);
    }
  }
  return mended ? fileOf(entries, kFilesMagic) : std::string(bytes);
}

}  // namespace vs::checkpoint
