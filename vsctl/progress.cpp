#include "vsctl/progress.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "vsctl/session.hpp"
#include "vsctl/text.hpp"

namespace vs::ctl {
namespace {

std::size_t terminalWidth() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

Json stepsOf(const Json& operation) {
  return operation.is_object() ? operation.value("steps", Json::array()) : Json::array();
}

std::string stepName(const Json& step) { return cleanLine(step.value("name", "")); }

// The step that runs, between two of them the last one.
std::string currentStep(const Json& operation) {
  std::string name;
  for (const Json& step : stepsOf(operation)) {
    name = stepName(step);
    if (step.value("state", "") == "running") return name;
  }
  return name;
}

}  // namespace

std::string progressLine(std::string_view task, const Json& operation, Millis elapsed) {
  std::string line = fmt::format("{}:", task);
  if (const std::string step = currentStep(operation); !step.empty()) line += " " + step;
  if (operation.is_object() && operation.contains("progress") && operation["progress"].is_number())
    line += fmt::format(" {}%", operation["progress"].get<int>());
  return line + " " + formatDuration(elapsed / 100 * 100);
}

std::vector<std::string> newStepLines(std::string_view task, const Json& operation,
                                      std::size_t seen) {
  std::vector<std::string> lines;
  for (const Json& step : stepsOf(operation)) {
    if (step.value("state", "") == "running") continue;
    if (seen > 0) {
      --seen;
      continue;
    }
    std::string line = fmt::format("{}: {}", task, stepName(step));
    if (step.value("state", "") != "done") line += " " + step.value("state", "");
    if (step.contains("duration") && step["duration"].is_number())
      line += " " + formatDuration(Millis(step["duration"].get<std::int64_t>()));
    lines.push_back(std::move(line));
  }
  return lines;
}

Progress::Progress(const Globals& globals) {
  const bool live = globals.isForPeople() && !globals.quiet && mayPaint(STDERR_FILENO);
  mode_ = globals.verbose ? Mode::Steps : live ? Mode::LiveLine : Mode::Nothing;
}

Progress::~Progress() { erase(); }

void Progress::update(const std::string& task, const Json& operation, Millis elapsed) {
  if (mode_ == Mode::Nothing) return;
  const std::scoped_lock lock(mutex_);
  if (mode_ == Mode::Steps) {
    for (const std::string& line : newStepLines(task, operation, stepsTold_[task])) {
      printError(line + "\n");
      ++stepsTold_[task];
    }
    return;
  }
  lines_[task] = progressLine(task, operation, elapsed);
  draw();
}

void Progress::finish(const std::string& task) {
  const std::scoped_lock lock(mutex_);
  lines_.erase(task);
  erase();
  draw();
}

void Progress::print(Stream stream, std::string_view text) {
  const std::scoped_lock lock(mutex_);
  erase();
  if (stream == Stream::Out)
    ctl::print(text);
  else
    printError(text);
  draw();
}

void Progress::erase() {
  if (drawn_) printError("\r\x1b[K");
  drawn_ = false;
}

// With several tasks under way the line is shared; a line that wrapped could not be erased.
void Progress::draw() {
  if (lines_.empty()) return;
  std::string text;
  for (const auto& [task, line] : lines_) text += (text.empty() ? "" : " | ") + line;
  const std::size_t width = terminalWidth();
  while (widthOf(text) >= width) text.pop_back();
  printError("\r\x1b[K" + text);
  drawn_ = true;
}

}  // namespace vs::ctl
