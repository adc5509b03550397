// How operations under way are shown: on a terminal one line that is rewritten, elsewhere, and only
// with --verbose, a plain line for each step. Several threads may report at once.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "vsctl/globals.hpp"
#include "vsd/base/json.hpp"
#include "vsd/base/units.hpp"

namespace vs::ctl {

// "create 'web1': unpack template 42% 3.2s"
std::string progressLine(std::string_view task, const Json& operation, Millis elapsed);
// A line for each step that ended since `seen` were told: "create 'web1': mount root 12ms".
std::vector<std::string> newStepLines(std::string_view task, const Json& operation,
                                      std::size_t seen);

class Progress {
 public:
  explicit Progress(const Globals& globals);
  ~Progress();

  // What is known of a task now; call it again to let the clock run.
  void update(const std::string& task, const Json& operation, Millis elapsed);
  void finish(const std::string& task);
  // Prints a whole line (its newline included) above the moving one.
  enum class Stream { Out, Error };
  void print(Stream stream, std::string_view text);

 private:
  void erase();
  void draw();

  enum class Mode { Nothing, LiveLine, Steps };
  Mode mode_;
  std::mutex mutex_;
  std::map<std::string, std::string> lines_;      // by task
  std::map<std::string, std::size_t> stepsTold_;  // by task
  bool drawn_ = false;
};

}  // namespace vs::ctl
