#include "vsctl/table.hpp"

#include <algorithm>
#include <cctype>

#include "vsctl/text.hpp"
#include "vsd/base/error.hpp"
#include "vsd/base/units.hpp"

namespace vs::ctl {
namespace {

std::string plainText(const Json& value) {
  if (value.is_null()) return {};
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (!value.is_structured()) return value.dump(-1, ' ', false, Json::error_handler_t::replace);
  std::vector<std::string> parts;
  for (const auto& [key, part] : value.items())
    parts.push_back((value.is_object() ? key + "=" : "") + plainText(part));
  return join(parts, ",");
}

std::string commandText(const Json& words) {
  std::vector<std::string> parts;
  for (const Json& word : words) parts.push_back(shellWord(plainText(word)));
  return join(parts, " ");
}

std::string cpusText(std::int64_t thousandths) {
  std::string text = fmt::format("{}.{:03}", thousandths / 1000, thousandths % 1000);
  text.erase(text.find_last_not_of('0') + 1);
  return text.ends_with('.') ? text.substr(0, text.size() - 1) : text;
}

std::string numberText(Style style, std::int64_t number) {
  switch (style) {
    case Style::Size:
      return formatBytes({static_cast<std::uint64_t>(std::max<std::int64_t>(0, number))});
    case Style::BitRate:
      return formatBitRate(static_cast<std::uint64_t>(std::max<std::int64_t>(0, number)));
    case Style::Cpus:
      return cpusText(number);
    case Style::Duration:
      return formatDuration(Millis(number));
    case Style::CpuTime:
      return formatDuration(Millis(number / 1000));
    default:
      return std::to_string(number);
  }
}

std::string timeText(Style style, const std::string& text, Now now) {
  const auto time = parseTime(text);
  if (!time) return text;
  if (style == Style::Time) return text.substr(0, 10) + " " + text.substr(11, 5);
  const auto age = std::chrono::duration_cast<std::chrono::seconds>(now - *time);
  if (age < std::chrono::minutes(1)) return fmt::format("{}s", std::max<long>(0, age.count()));
  return formatDuration(age);
}

bool isToTheRight(Style style) {
  return style == Style::Count || style == Style::Size || style == Style::Cpus ||
         style == Style::Duration || style == Style::CpuTime;
}

std::string heading(const Column& column) {
  std::string text(column.name);
  for (char& c : text) c = c == '-' ? ' ' : static_cast<char>(std::toupper(c));
  return text;
}

struct Filter {
  const Column* column;
  std::string pattern;
  bool wanted;
};

Filter parseFilter(Columns columns, const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    throw invalid("filter '{}' is not KEY=PATTERN", text)
        .withHint("write for example --filter state=running or --filter 'name!=test-*'");
  const bool negated = text[equals - 1] == '!';
  const Column& column = findColumn(columns, text.substr(0, equals - (negated ? 1 : 0)));
  return {&column, text.substr(equals + 1), !negated};
}

bool holds(const Filter& filter, const Json& item, Now now) {
  const Json value = valueOf(*filter.column, item);
  std::vector<std::string> candidates = {rawTextOf(*filter.column, item)};
  if (value.is_array())
    for (const Json& part : value) candidates.push_back(plainText(part));
  else if (!value.is_null())
    candidates.push_back(textOf(*filter.column, item, now));
  const bool found = std::ranges::any_of(candidates, [&](const std::string& candidate) {
    return matchesGlob(filter.pattern, candidate);
  });
  return found == filter.wanted;
}

// Absent after present, numbers by value, everything else by its text.
bool comesBefore(const Json& left, const Json& right) {
  if (left.is_null() || right.is_null()) return !left.is_null() && right.is_null();
  if (left.is_number() && right.is_number()) return left < right;
  return plainText(left) < plainText(right);
}

std::string csvField(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

}  // namespace

Json valueOf(const Column& column, const Json& item) {
  const Json* value = &item;
  for (const std::string& part : splitList(column.path, '.')) {
    if (!value->is_object()) return nullptr;
    const auto found = value->find(part);
    if (found == value->end()) return nullptr;
    value = &*found;
  }
  return *value;
}

std::string textOf(const Column& column, const Json& item, Now now) {
  const Json value = valueOf(column, item);
  std::string text;
  if (value.is_number_integer())
    text = numberText(column.style, value.get<std::int64_t>());
  else if (value.is_array() && column.style == Style::Command)
    text = commandText(value);
  else if (value.is_string() && (column.style == Style::Age || column.style == Style::Time))
    text = timeText(column.style, value.get<std::string>(), now);
  else
    text = plainText(value);
  return text.empty() ? "-" : cleanLine(text);
}

std::string rawTextOf(const Column& column, const Json& item) {
  return plainText(valueOf(column, item));
}

const Column& findColumn(Columns columns, std::string_view name) {
  const auto found = std::ranges::find(columns, name, &Column::name);
  if (found == columns.end())
    throw invalid("there is no column '{}'", name).withHint("columns are: " + columnNames(columns));
  return *found;
}

Chosen chooseColumns(Columns columns, const std::vector<std::string>& names, Width width) {
  Chosen chosen;
  for (const std::string& name : names) chosen.push_back(&findColumn(columns, name));
  if (!chosen.empty()) return chosen;
  for (const Column& column : columns)
    if (column.shown == Shown::Always || (column.shown == Shown::Wide && width == Width::Wide))
      chosen.push_back(&column);
  return chosen;
}

std::string columnNames(Columns columns) {
  std::string names;
  for (const Column& column : columns) {
    if (!names.empty()) names += ", ";
    names += column.name;
  }
  return names;
}

Json filterItems(Json items, Columns columns, const std::vector<std::string>& filters, Now now) {
  for (const std::string& text : filters) {
    const Filter filter = parseFilter(columns, text);
    Json kept = Json::array();
    for (Json& item : items)
      if (holds(filter, item, now)) kept.push_back(std::move(item));
    items = std::move(kept);
  }
  return items;
}

Json sortItems(Json items, Columns columns, const std::string& key) {
  if (key.empty()) return items;
  const bool down = key.front() == '-';
  const Column& column = findColumn(columns, std::string_view(key).substr(down ? 1 : 0));
  std::stable_sort(items.begin(), items.end(), [&](const Json& left, const Json& right) {
    const Json a = valueOf(column, left);
    const Json b = valueOf(column, right);
    if (a.is_null() || b.is_null() || !down) return comesBefore(a, b);
    return comesBefore(b, a);
  });
  return items;
}

Paint paintOf(std::string_view state) {
  for (const std::string_view word : {"running", "ok", "done", "built"})
    if (state == word) return Paint::Good;
  for (const std::string_view word : {"failed", "missing", "interrupted", "undone"})
    if (state == word) return Paint::Bad;
  for (const std::string_view word :
       {"starting", "stopping", "frozen", "suspended", "degraded", "cancelled"})
    if (state == word) return Paint::Middling;
  return Paint::None;
}

std::string painted(std::string_view text, Paint paint) {
  switch (paint) {
    case Paint::Good:
      return fmt::format("\x1b[32m{}\x1b[0m", text);
    case Paint::Bad:
      return fmt::format("\x1b[31m{}\x1b[0m", text);
    case Paint::Middling:
      return fmt::format("\x1b[33m{}\x1b[0m", text);
    case Paint::None:
      break;
  }
  return std::string(text);
}

std::string formatTable(const Chosen& columns, const Json& items, const TableStyle& style) {
  std::vector<std::vector<std::string>> rows;
  if (style.header == Header::Shown) {
    rows.emplace_back();
    for (const Column* column : columns) rows.back().push_back(heading(*column));
  }
  const std::size_t firstItem = rows.size();
  for (const Json& item : items) {
    rows.emplace_back();
    for (const Column* column : columns) rows.back().push_back(textOf(*column, item, style.now));
  }
  std::vector<std::size_t> widths(columns.size(), 0);
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], widthOf(row[i]));
  std::string out;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    std::string line;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const std::string& cell = rows[r][i];
      const std::string gap(widths[i] - widthOf(cell), ' ');
      const bool paints =
          style.colour == Colour::On && r >= firstItem && columns[i]->style == Style::State;
      const std::string shown = paints ? painted(cell, paintOf(cell)) : cell;
      if (i > 0) line += "  ";
      line += isToTheRight(columns[i]->style) ? gap + shown : shown + gap;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

std::string formatCsv(const Chosen& columns, const Json& items, Header header) {
  std::string out;
  const auto addRow = [&](auto&& cellOf) {
    for (std::size_t i = 0; i < columns.size(); ++i)
      out += (i > 0 ? "," : "") + csvField(cellOf(*columns[i]));
    out += "\n";
  };
  if (header == Header::Shown)
    addRow([](const Column& column) { return std::string(column.name); });
  for (const Json& item : items)
    addRow([&](const Column& column) { return rawTextOf(column, item); });
  return out;
}

}  // namespace vs::ctl
