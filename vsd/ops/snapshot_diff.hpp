// What differs between a snapshot and its context's data of now, or of another snapshot. Only
// snapshots are read, of now too: a comparison sees one moment, pins no file of a running context
// and yields to whoever wants it.
#pragma once

#include <string>
#include <vector>

#include "vsd/ops/host.hpp"

namespace vs {

struct DiffRequest {
  std::string context;
  std::string snapshot;
  std::string other;  // another snapshot; empty: now
};

// Throws NotFound, Unsupported, InvalidParameter (the same twice).
std::vector<std::string> planDiff(const Host& host, const DiffRequest& request);
// Writes the differences to `out`, a JSON object a line: {"change", "type", "path", "what",
// "size"}, the path escaped. Ends with Cancelled when nobody reads that any more.
void diff(const Host& host, const DiffRequest& request, int out, Operation& operation);

// Lines to a descriptor of a client, who may read slowly, never, or be gone: at most a page is
// kept, and no write is begun for which there is no room.
class PatientWriter {
 public:
  PatientWriter(int out, const Operation& operation) : out_(out), operation_(operation) {}
  void write(const std::string& line);
  void flush();
  // Throws Cancelled when the operation is, or when the reader is gone.
  void checkReader() const;

 private:
  bool hasRoom(Millis time) const;

  int out_;
  const Operation& operation_;
  std::string buffer_;
};

}  // namespace vs
