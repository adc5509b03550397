// The flags and operands of one verb: declared, parsed and told to help and completion. CLI11 does
// the parsing; it is slow to compile, so only this pair knows it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace vs::ctl {

// One flag as help and completion see it.
struct FlagInfo {
  std::vector<std::string> names;  // "-q", "--quiet"
  std::string type;                // of its value; empty: it takes none
  std::string help;
  bool isGlobal = false;
};

class Flags {
 public:
  Flags();
  ~Flags();
  Flags(const Flags&) = delete;
  Flags& operator=(const Flags&) = delete;

  // Targets live as long as this object. `names` is as "-q,--quiet".
  void text(const std::string& names, std::string& target, const std::string& type,
            const std::string& help);
  // May be repeated; Split::AtCommas: each value is a list of its own.
  enum class Split { Never, AtCommas };
  void list(const std::string& names, std::vector<std::string>& target, Split split,
            const std::string& type, const std::string& help);
  void toggle(const std::string& names, bool& target, const std::string& help);
  // The two cannot be given together.
  void exclude(const std::string& name, const std::string& other);

  enum class Need { Required, Optional };
  void operand(const std::string& name, std::string& target);
  void operands(const std::string& name, std::vector<std::string>& target, Need need);

  // What is declared from now on is one of the global flags.
  void beginGlobals() { inGlobals_ = true; }

  enum class Parsed { Done, HelpWanted };
  // Throws InvalidParameter for words that are not understood.
  Parsed parse(std::vector<std::string> words);

  const std::vector<FlagInfo>& all() const { return infos_; }
  bool has(std::string_view name) const { return find(name) != nullptr; }
  // True when `word` is a flag whose value is the next word: "--user", "-tu", not "--user=x".
  bool takesNextWord(const std::string& word) const;

 private:
  const FlagInfo* find(std::string_view name) const;
  void remember(const std::string& names, const std::string& type, const std::string& help);

  struct Parser;
  std::unique_ptr<Parser> parser_;
  std::vector<FlagInfo> infos_;
  bool inGlobals_ = false;
};

// The whole number a flag's text is; throws InvalidParameter naming the flag.
long parseWhole(const std::string& text, std::string_view flag, long least, long most);

}  // namespace vs::ctl
