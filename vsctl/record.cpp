#include "vsctl/record.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "vsctl/text.hpp"

namespace vs::ctl {
namespace {

std::string labelOf(const Column& field) {
  std::string label(field.name);
  std::ranges::replace(label, '-', ' ');
  return label;
}

// The lines that say what the value of a field is.
std::vector<std::string> linesOf(const Column& field, const Json& item, const TableStyle& style) {
  const Json value = valueOf(field, item);
  if (value.is_array() && field.style == Style::Text) {
    std::vector<std::string> lines;
    for (const Json& part : value)
      lines.push_back(cleanLine(part.is_string() ? part.get<std::string>() : part.dump()));
    return lines;
  }
  const std::string text = textOf(field, item, style.now);
  if (text == "-") return {};
  if (field.style == Style::Age) return {text + " ago"};
  const bool paints = field.style == Style::State && style.colour == Colour::On;
  return {paints ? painted(text, paintOf(text)) : text};
}

}  // namespace

std::string formatRecord(Columns fields, const Json& item, const TableStyle& style) {
  std::size_t width = 0;
  for (const Column& field : fields)
    if (!linesOf(field, item, style).empty()) width = std::max(width, field.name.size());
  std::string out;
  for (const Column& field : fields) {
    std::string label = labelOf(field);
    for (const std::string& line : linesOf(field, item, style)) {
      out += fmt::format("{:<{}}  {}\n", label, width, line);
      label.clear();
    }
  }
  return out;
}

}  // namespace vs::ctl
