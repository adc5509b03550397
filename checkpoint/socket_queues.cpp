#include "checkpoint/socket_queues.hpp"

#include <algorithm>
#include <charconv>

namespace vs::checkpoint {
namespace {

constexpr std::string_view kListening = "0A";

// The next word of `line`, which loses it.
std::string_view nextWord(std::string_view& line) {
  const std::size_t begin = line.find_first_not_of(' ');
  if (begin == std::string_view::npos) return line = {};
  line.remove_prefix(begin);
  const std::string_view word = line.substr(0, line.find(' '));
  line.remove_prefix(word.size());
  return word;
}

// "sl local_address rem_address st tx_queue:rx_queue ...", all but the number in hexadecimal.
std::uint64_t waitingAt(std::string_view line) {
  for (int i = 0; i < 3; ++i) nextWord(line);
  if (nextWord(line) != kListening) return 0;
  const std::string_view queues = nextWord(line);
  const std::size_t colon = queues.find(':');
  if (colon == std::string_view::npos) return 0;
  std::uint64_t waiting = 0;
  std::from_chars(queues.data() + colon + 1, queues.data() + queues.size(), waiting, 16);
  return waiting;
}

bool parseNumber(std::string_view word, std::uint64_t& number) {
  return std::from_chars(word.data(), word.data() + word.size(), number).ec == std::errc();
}

}  // namespace

std::uint64_t waitingConnections(std::string_view table) {
  std::uint64_t waiting = 0;
  while (!table.empty()) {
    const std::string_view line = table.substr(0, table.find('\n'));
    waiting += waitingAt(line);
    table.remove_prefix(std::min(line.size() + 1, table.size()));
  }
  return waiting;
}

std::set<std::uint64_t> unreadNetlink(std::string_view table) {
  std::set<std::uint64_t> inodes;
  while (!table.empty()) {
    std::string_view line = table.substr(0, table.find('\n'));
    table.remove_prefix(std::min(line.size() + 1, table.size()));
    // "sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode", decimal but for the first and Groups
    for (int i = 0; i < 4; ++i) nextWord(line);
    std::uint64_t unread = 0;
    if (!parseNumber(nextWord(line), unread) || unread == 0) continue;
    for (int i = 0; i < 4; ++i) nextWord(line);
    std::uint64_t inode = 0;
    if (parseNumber(nextWord(line), inode) && inode != 0) inodes.insert(inode);
  }
  return inodes;
}

}  // namespace vs::checkpoint
