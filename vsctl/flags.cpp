#include "vsctl/flags.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>

#include "vsctl/text.hpp"
#include "vsd/base/error.hpp"

namespace vs::ctl {

struct Flags::Parser {
  CLI::App app;
};

Flags::Flags() : parser_(std::make_unique<Parser>()) {
  infos_.push_back({{"-h", "--help"}, "", "print this help", false});
}

Flags::~Flags() = default;

void Flags::remember(const std::string& names, const std::string& type, const std::string& help) {
  infos_.push_back({splitList(names), type, help, inGlobals_});
}

void Flags::text(const std::string& names, std::string& target, const std::string& type,
                 const std::string& help) {
  parser_->app.add_option(names, target)->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  remember(names, type, help);
}

void Flags::list(const std::string& names, std::vector<std::string>& target, Split split,
                 const std::string& type, const std::string& help) {
  CLI::Option* option = parser_->app.add_option(names, target)->allow_extra_args(false);
  if (split == Split::AtCommas) option->delimiter(',');
  remember(names, type, help);
}

void Flags::toggle(const std::string& names, bool& target, const std::string& help) {
  parser_->app.add_flag(names, target);
  remember(names, "", help);
}

void Flags::exclude(const std::string& name, const std::string& other) {
  parser_->app.get_option(name)->excludes(parser_->app.get_option(other));
}

void Flags::operand(const std::string& name, std::string& target) {
  parser_->app.add_option(name, target)->required();
}

void Flags::operands(const std::string& name, std::vector<std::string>& target, Need need) {
  parser_->app.add_option(name, target)->required(need == Need::Required);
}

Flags::Parsed Flags::parse(std::vector<std::string> words) {
  std::ranges::reverse(words);  // as CLI11 wants them
  try {
    parser_->app.parse(std::move(words));
  } catch (const CLI::CallForHelp&) {
    return Parsed::HelpWanted;
  } catch (const CLI::ParseError& error) {
    throw invalid("{}", error.what());
  }
  return Parsed::Done;
}

const FlagInfo* Flags::find(std::string_view name) const {
  const auto found = std::ranges::find_if(infos_, [&](const FlagInfo& info) {
    return std::ranges::find(info.names, name) != info.names.end();
  });
  return found == infos_.end() ? nullptr : &*found;
}

bool Flags::takesNextWord(const std::string& word) const {
  if (word.size() < 2 || word[0] != '-') return false;
  const auto takesValue = [this](std::string_view name) {
    const FlagInfo* info = find(name);
    return info != nullptr && !info->type.empty();
  };
  if (word[1] == '-') return takesValue(word);
  // In "-tu" the first letter that takes a value takes the rest of the word, or the next word.
  for (std::size_t i = 1; i < word.size(); ++i)
    if (takesValue(std::string("-") + word[i])) return i + 1 == word.size();
  return false;
}

long parseWhole(const std::string& text, std::string_view flag, long least, long most) {
  long number = 0;
  const char* const last = text.data() + text.size();
  const auto [end, problem] = std::from_chars(text.data(), last, number);
  if (problem != std::errc() || end != last || number < least || number > most)
    throw invalid("{} '{}' is not a whole number from {} to {}", flag, text, least, most);
  return number;
}

}  // namespace vs::ctl
