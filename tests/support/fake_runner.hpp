// A Runner that answers from a script and remembers what it was asked to run.
#pragma once

#include <deque>
#include <stdexcept>
#include <string>
#include <vector>

#include "vsd/base/runner.hpp"

namespace vs {

class FakeRunner : public Runner {
 public:
  void answer(Output output) { answers_.push_back(std::move(output)); }

  Output run(const Command& command) override {
    std::string line;
    for (const std::string& word : command.argv) line += (line.empty() ? "" : " ") + word;
    ran.push_back(line);
    if (answers_.empty()) throw std::logic_error("nothing was prepared for: " + line);
    Output output = std::move(answers_.front());
    answers_.pop_front();
    return output;
  }

  std::vector<std::string> ran;

 private:
  std::deque<Output> answers_;
};

}  // namespace vs
