// Lists of API objects as rows and columns: which columns there are is data, what is done with them
// (filter, sort, show) the same for all. Pure: nothing here prints.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vsd/base/json.hpp"

namespace vs::ctl {

// How a value is written for people.
enum class Style {
  Text,      // as it is; lists joined by commas
  Command,   // words as typed to a shell
  State,     // text, coloured by what it means
  Count,     // a number, to the right
  Size,      // bytes as 1.5G
  BitRate,   // bits a second as 1.5Mbit
  Cpus,      // thousandths as 1.5
  Duration,  // milliseconds as 3.2s
  CpuTime,   // microseconds as 3.2s
  Age,       // a time as how long ago it was
  Time,      // a time to the minute
};

enum class Shown { Always, Wide, Asked };

struct Column {
  std::string_view name;  // for --columns, --filter, --sort; in capitals as the heading
  std::string_view path;  // where the value is: "definition.limits.memory"
  Style style = Style::Text;
  Shown shown = Shown::Always;
};
using Columns = std::span<const Column>;
using Chosen = std::vector<const Column*>;
using Now = std::chrono::system_clock::time_point;

// The value of a column in an item; null when it is absent.
Json valueOf(const Column& column, const Json& item);
// The value for people; "-" when it is absent or empty.
std::string textOf(const Column& column, const Json& item, Now now);
// The value for programs: bytes, RFC 3339, lists joined by commas.
std::string rawTextOf(const Column& column, const Json& item);

// Throws InvalidParameter listing the columns there are.
const Column& findColumn(Columns columns, std::string_view name);
// The named columns, or without names those of the table (`wide`: also the wide ones).
enum class Width { Normal, Wide };
Chosen chooseColumns(Columns columns, const std::vector<std::string>& names, Width width);
std::string columnNames(Columns columns);

// Keeps the items for which every "key=pattern" ("key!=pattern") holds; a list holds when one of
// its members does. Patterns match the text for people or the one for programs.
Json filterItems(Json items, Columns columns, const std::vector<std::string>& filters, Now now);
// Sorts by "column" or "-column"; absent values come last. An empty `key` leaves the order.
Json sortItems(Json items, Columns columns, const std::string& key);

// What a state word is painted with on a terminal.
enum class Paint { None, Good, Bad, Middling };
Paint paintOf(std::string_view state);
std::string painted(std::string_view text, Paint paint);

enum class Header { Shown, Hidden };
enum class Colour { Off, On };
struct TableStyle {
  Header header = Header::Shown;
  Colour colour = Colour::Off;
  Now now;
};
std::string formatTable(const Chosen& columns, const Json& items, const TableStyle& style);
std::string formatCsv(const Chosen& columns, const Json& items, Header header);

}  // namespace vs::ctl
