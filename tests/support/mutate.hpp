// Damaged variants of a good input, the same ones in every run: flipped, lost, doubled and cut
// bytes. What reads them may refuse (vs::Error), and nothing else; the suites under ASan see the
// rest.
#pragma once

#include <random>
#include <string>

namespace vs::test {

class Mutator {
 public:
  explicit Mutator(std::string good) : good_(std::move(good)) {}

  std::string next() {
    std::string bad = good_;
    const int times = 1 + static_cast<int>(number(4));
    for (int i = 0; i < times && !bad.empty(); ++i) damage(bad);
    return bad;
  }

 private:
  std::size_t number(std::size_t below) { return random_() % below; }

  void damage(std::string& text) {
    const std::size_t at = number(text.size());
    switch (number(6)) {
      case 0:
        text[at] = static_cast<char>(number(256));
        break;
      case 1:
        text[at] = static_cast<char>(text[at] ^ (1 << number(8)));
        break;
      case 2:
        text.erase(at, 1 + number(8));
        break;
      case 3:
        text.insert(at, text.substr(at, 1 + number(16)));
        break;
      case 4:
        text.resize(at);
        break;
      case 5:
        text.insert(at, 1 + number(3), "{}[]\"\\0-9e\xff"[number(12)]);
        break;
    }
  }

  std::string good_;
  std::mt19937 random_{2008};
};

}  // namespace vs::test
