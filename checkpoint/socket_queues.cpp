#include "checkpoint/socket_queues.hpp"

#include <charconv>

#include "checkpoint/words.hpp"

namespace vs::checkpoint {
namespace {

constexpr std::string_view kListening = "0A";

// "sl local_address rem_address st tx_queue:rx_queue ...", all but the number in hexadecimal.
std::uint64_t waitingAt(std::string_view line) {
  const std::vector<std::string_view> words = wordsOf(line);
  if (words.size() < 5 || words[3] != kListening) return 0;
  const std::string_view queues = words[4];
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
  for (const std::string_view line : linesOf(table)) waiting += waitingAt(line);
  return waiting;
}

std::set<std::uint64_t> unreadNetlink(std::string_view table) {
  std::set<std::uint64_t> inodes;
  for (const std::string_view line : linesOf(table)) {
    // "sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode", decimal but for the first and Groups
    const std::vector<std::string_view> words = wordsOf(line);
    std::uint64_t unread = 0;
    std::uint64_t inode = 0;
    if (words.size() > 9 && parseNumber(words[4], unread) && unread != 0 &&
        parseNumber(words[9], inode) && inode != 0)
      inodes.insert(inode);
  }
  return inodes;
}

}  // namespace vs::checkpoint
