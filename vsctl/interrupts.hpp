// Ctrl-C while an operation is waited for: counted, and made into descriptors that can be waited on
// by any number of threads.
#pragma once

namespace vs::ctl {

// Catches SIGINT for its lifetime; at most one exists at a time.
class Interrupts {
 public:
  Interrupts();
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  // How often Ctrl-C was pressed.
  int count() const;
  // Readable as soon as count() is greater than `seen`; -1 when nothing further is told apart.
  int fdAfter(int seen) const;
};

}  // namespace vs::ctl
