// vsctl(8) against vsctl itself: whatever can be typed is in the page.
#include <gtest/gtest.h>

#include <algorithm>

#include "vsctl/verbs.hpp"
#include "vsd/base/file.hpp"

namespace vs::ctl {
namespace {

// The page without roff's escapes, "\-\-all" as "--all".
std::string page() {
  std::string text = readFile(VSD_SOURCE "/packaging/man/vsctl.8");
  for (const char* escape : {"\\-", "\\&", "\\fB", "\\fI", "\\fR", "\\fP"}) {
    const std::string replacement = std::string(escape) == "\\-" ? "-" : "";
    for (std::size_t at = text.find(escape); at != std::string::npos; at = text.find(escape, at))
      text.replace(at, std::string(escape).size(), replacement);
  }
  return text;
}

// The part of the page about a verb: from its heading to the next one.
std::string sectionOf(const std::string& page, const std::string& verb) {
  const std::size_t start = page.find("\n.SS " + verb + "\n");
  if (start == std::string::npos) return {};
  return page.substr(start, page.find("\n.S", start + 5) - start);
}

// True when `word` stands in `text` with nothing of a word around it.
bool mentions(const std::string& text, const std::string& word) {
  const auto isPart = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '-';
  };
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    if ((at == 0 || !isPart(text[at - 1])) && (end == text.size() || !isPart(text[end])))
      return true;
  }
  return false;
}

TEST(ManPage, HasASectionForEveryVerbWithEachOfItsFlags) {
  const std::string text = page();
  for (const Verb& verb : verbs()) {
    const std::string section = sectionOf(text, std::string(verb.name));
    ASSERT_FALSE(section.empty()) << "no section for " << verb.name;
    const Parser parser = makeParser(verb);
    for (const FlagInfo& info : parser.flags->all()) {
      if (info.isGlobal || info.names.back() == "--help") continue;
      for (const std::string& name : info.names)
        EXPECT_TRUE(mentions(section, name)) << verb.name << " " << name;
    }
    EXPECT_TRUE(verb.alias.empty() || mentions(section, std::string(verb.alias)))
        << verb.name << " " << verb.alias;
  }
}

TEST(ManPage, HasEveryGlobalFlag) {
  const std::string text = page();
  const std::size_t start = text.find("\n.SH GLOBAL FLAGS\n");
  ASSERT_NE(start, std::string::npos);
  const std::string section = text.substr(start, text.find("\n.SH ", start + 5) - start);
  const Parser parser = makeParser(verbs().front());
  for (const FlagInfo& info : parser.flags->all())
    for (const std::string& name : info.names)
      EXPECT_TRUE(!info.isGlobal || mentions(section, name)) << name;
}

TEST(ManPage, HasEveryColumn) {
  const std::string text = page();
  for (const Verb& verb : verbs())
    for (const Column& column : verb.columns)
      EXPECT_TRUE(mentions(text, std::string(column.name))) << verb.name << " " << column.name;
}

}  // namespace
}  // namespace vs::ctl
