#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "netfw/rules.hpp"
#include "vsd/base/error.hpp"
#include "vsd/base/names.hpp"

namespace vs::netfw {
namespace {

constexpr std::array kProtocols{Protocol::Tcp, Protocol::Udp, Protocol::Icmp};

struct Word {
  std::string_view text;  // empty: the end of the line
  std::size_t column = 0;
};

// Words, commas and equal signs of one line.
std::vector<Word> wordsOf(std::string_view line) {
  constexpr std::string_view kBlank = " \t\r";
  std::vector<Word> words;
  for (std::size_t at = 0; at < line.size();) {
    if (kBlank.find(line[at]) != std::string_view::npos) {
      ++at;
    } else if (line[at] == ',' || line[at] == '=') {
      words.push_back({line.substr(at, 1), at + 1});
      ++at;
    } else {
      const std::size_t end = std::min(line.find_first_of(" \t\r,=", at), line.size());
      words.push_back({line.substr(at, end - at), at + 1});
      at = end;
    }
  }
  return words;
}

// Thrown where the rest of a line makes no sense any more; what is wrong has been reported.
struct GiveUp {};

class Parser {
 public:
  Parser(const std::string& file, const Definitions& shared) : file_(file), known_(shared) {}

  void line(std::string_view text, std::size_t number) {
    text = text.substr(0, text.find('#'));
    begin(text.substr(0, text.find_last_not_of(" \t\r") + 1), number);
    if (words_.empty()) return;
    const Word last = words_.back();
    const std::size_t first = words_[0].column - 1;
    text = text.substr(first, last.column - 1 + last.text.size() - first);
    try {
      statement(text);
      if (next_ < words_.size()) report(peek(), "'{}' is not expected here", peek().text);
    } catch (const GiveUp&) {
    }
  }

  // "from 10.1.2.3 to tcp:22"
  Packet packet(std::string_view text) {
    begin(text, 1);
    Packet packet;
    packet.direction = direction();
    const Word peer = take();
    const auto address = Address::parse(peer.text);
    if (!address)
      report(peer, "'{}' is no address", peer.text);
    else
      packet.peer = *address;
    expect("to");
    const Word word = peek();
    const std::vector<Service> asked = services();
    if (asked.size() == 1) {
      packet.protocol = asked[0].protocol;
      packet.port = asked[0].first;
    }
    if (asked.size() != 1 || (packet.protocol != Protocol::Icmp && asked[0].first != asked[0].last))
      report(word, "'{}' is not one service: tcp:PORT, udp:PORT or icmp", word.text);
    if (next_ < words_.size()) report(peek(), "'{}' is not expected here", peek().text);
    return packet;
  }

  Rules rules;
  std::vector<std::string> problems;
  const Definitions& known() const { return known_; }

 private:
  void begin(std::string_view text, std::size_t number) {
    words_ = wordsOf(text);
    line_ = number;
    next_ = 0;
    length_ = text.size();
  }

  template <typename... Args>
  void report(const Word& at, fmt::format_string<Args...> text, Args&&... args) {
    problems.push_back(fmt::format("{}:{}:{}: {}", file_, line_, at.column,
                                   printable(fmt::format(text, std::forward<Args>(args)...), 300)));
  }
  template <typename... Args>
  [[noreturn]] void giveUp(const Word& at, fmt::format_string<Args...> text, Args&&... args) {
    report(at, text, std::forward<Args>(args)...);
    throw GiveUp();
  }

  Word peek() const { return next_ < words_.size() ? words_[next_] : Word{"", length_ + 1}; }
  Word take() {
    const Word word = peek();
    if (next_ < words_.size()) ++next_;
    return word;
  }
  bool takeIf(std::string_view text) {
    if (peek().text != text) return false;
    ++next_;
    return true;
  }
  void expect(std::string_view text) {
    if (!takeIf(text)) giveUp(peek(), "'{}' is missing{}", text, before());
  }
  std::string before() const {
    const Word word = peek();
    return word.text.empty() ? std::string() : fmt::format(" before '{}'", word.text);
  }

  void statement(std::string_view text) {
    const Word first = take();
    if (first.text == "enable") return;
    if (first.text == "set") return define(known_.sets, "set", [this] { return setPeers(); });
    if (first.text == "group") return define(known_.groups, "group", [this] { return services(); });
    if (first.text == "allow") return rule(Action::Allow, text, first);
    if (first.text == "deny") return rule(Action::Deny, text, first);
    giveUp(first, "'{}' begins no line: allow, deny, set, group and enable do", first.text);
  }

  template <typename Map, typename List>
  void define(Map& map, std::string_view what, List list) {
    const Word name = take();
    if (!isValidName(std::string(name.text)))
      giveUp(name, "'{}' is no name for a {}: small letters, digits and '-'", name.text, what);
    expect("=");
    auto found = list();
    if (!map.emplace(std::string(name.text), std::move(found)).second)
      report(name, "{} '{}' is there already", what, name.text);
  }

  void rule(Action action, std::string_view text, const Word& first) {
    Rule rule;
    rule.action = action;
    rule.text = std::string(text);
    rule.at = fmt::format("{}:{}", file_, line_);
    rule.direction = direction();
    peers(rule.peers, rule.sets);
    if (takeIf("to"))
      rule.services = services();
    else
      rule.services = everyService();
    for (const std::string& name : rule.sets)
      if (const auto set = known_.sets.find(name); set != known_.sets.end())
        rules.sets.insert(*set);
    if (rules.rules.size() == kMostRules) giveUp(first, "there are more than {} rules", kMostRules);
    rules.rules.push_back(std::move(rule));
  }

  Direction direction() {
    const Word word = take();
    if (word.text == "to") return Direction::To;
    if (word.text == "from") return Direction::From;
    giveUp(word, "'{}' is neither 'to' nor 'from'", word.text);
  }

  // Calls `item` for each of a list; a list has one at least.
  template <typename Item>
  void list(std::string_view what, Item item) {
    do {
      const Word word = take();
      if (word.text.empty() || word.text == "," || word.text == "=")
        giveUp(word, "{} is missing", what);
      item(word);
    } while (takeIf(","));
  }

  void peers(std::vector<Prefix>& prefixes, std::vector<std::string>& sets) {
    list("an address", [&](const Word& word) {
      if (word.text == "any") {
        prefixes.push_back(*Prefix::parse("0/0"));
        prefixes.push_back(*Prefix::parse("::/0"));
      } else if (word.text[0] == '@') {
        const std::string name(word.text.substr(1));
        if (known_.sets.count(name) == 0) report(word, "there is no set '{}' above", name);
        sets.push_back(name);
      } else if (const auto prefix = Prefix::parse(word.text)) {
        prefixes.push_back(*prefix);
      } else {
        report(word,
               "'{}' is no address and no network (ADDRESS/LENGTH with nothing set behind the "
               "length)",
               word.text);
      }
    });
  }

  // A set may name other sets, and may be empty.
  std::vector<Prefix> setPeers() {
    std::vector<Prefix> prefixes;
    std::vector<std::string> sets;
    if (peek().text.empty()) return prefixes;
    peers(prefixes, sets);
    for (const std::string& name : sets)
      if (const auto set = known_.sets.find(name); set != known_.sets.end())
        prefixes.insert(prefixes.end(), set->second.begin(), set->second.end());
    return prefixes;
  }

  static std::vector<Service> everyService() {
    std::vector<Service> all;
    for (const Protocol protocol : kProtocols) all.push_back({protocol});
    return all;
  }

  std::vector<Service> services() {
    std::vector<Service> found;
    const auto add = [&found](const std::vector<Service>& more) {
      found.insert(found.end(), more.begin(), more.end());
    };
    const Protocol* protocol = nullptr;  // into kProtocols: the one before
    list("a service", [&](const Word& word) {
      if (word.text == "any") {
        add(everyService());
      } else if (word.text[0] == '@') {
        const auto group = known_.groups.find(std::string(word.text.substr(1)));
        if (group == known_.groups.end())
          report(word, "there is no group '{}' above", word.text.substr(1));
        else
          add(group->second);
      } else if (const auto service = serviceFrom(word, protocol)) {
        found.push_back(*service);
      }
    });
    return found;
  }

  std::optional<Service> serviceFrom(const Word& word, const Protocol*& protocol) {
    const std::size_t colon = word.text.find(':');
    const bool isPorts = word.text[0] >= '0' && word.text[0] <= '9';
    std::string_view ports = isPorts ? word.text : std::string_view();
    if (!isPorts) {
      protocol = nullptr;
      for (const Protocol& known : kProtocols)
        if (nameOf(known) == word.text.substr(0, colon)) protocol = &known;
      if (colon != std::string_view::npos) ports = word.text.substr(colon + 1);
    }
    if (protocol == nullptr) {
      report(word, "'{}' is no service: tcp:PORTS, udp:PORTS, icmp or @GROUP", word.text);
      return std::nullopt;
    }
    Service service{*protocol};
    const bool hasPorts = isPorts || colon != std::string_view::npos;
    if (hasPorts && (*protocol == Protocol::Icmp || !readPorts(ports, service))) {
      report(word, "'{}' is no service: {}", word.text,
             *protocol == Protocol::Icmp ? "icmp has no ports"
                                         : "ports are N or N-M, from 1 to 65535");
      return std::nullopt;
    }
    return service;
  }

  static bool readPorts(std::string_view text, Service& service) {
    const std::size_t dash = text.find('-');
    const auto read = [](std::string_view digits, std::uint16_t& port) {
      const char* end = digits.data() + digits.size();
      const auto [stop, error] = std::from_chars(digits.data(), end, port);
      return error == std::errc() && stop == end && port > 0;
    };
    if (!read(text.substr(0, dash), service.first)) return false;
    service.last = service.first;
    if (dash == std::string_view::npos) return true;
    return read(text.substr(dash + 1), service.last) && service.first <= service.last;
  }

  std::string file_;
  Definitions known_;
  std::vector<Word> words_;
  std::size_t line_ = 0;
  std::size_t next_ = 0;
  std::size_t length_ = 0;
};

void parseLines(Parser& parser, std::string_view text, const std::string& file) {
  std::size_t number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    parser.line(text.substr(0, end), ++number);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (parser.problems.empty()) return;
  std::string all = fmt::format("{} has {} problem{}", file, parser.problems.size(),
                                parser.problems.size() == 1 ? "" : "s");
  for (const std::string& problem : parser.problems) all += "; " + problem;
  throw Error(Kind::InvalidParameter, std::move(all)).withBlockers(parser.problems);
}

}  // namespace

Rules parseRules(std::string_view text, const std::string& file, const Definitions& shared) {
  Parser parser(file, shared);
  parseLines(parser, text, file);
  return parser.rules;
}

Definitions parseDefinitions(std::string_view text, const std::string& file) {
  Parser parser(file, {});
  parseLines(parser, text, file);
  if (!parser.rules.rules.empty())
    throw invalid("{}: a rule among shared definitions", parser.rules.rules[0].at);
  return parser.known();
}

Packet parsePacket(std::string_view text) {
  Parser parser("packet", {});
  Packet packet;
  try {
    packet = parser.packet(text);
  } catch (const GiveUp&) {
  }
  if (parser.problems.empty()) return packet;
  throw invalid("{}", parser.problems[0])
      .withHint("as in: from 10.1.2.3 to tcp:22, or: to 10.9.53.27 to udp:53");
}

}  // namespace vs::netfw
