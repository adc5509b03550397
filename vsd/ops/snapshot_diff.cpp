#include "vsd/ops/snapshot_diff.hpp"

#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include "vsd/base/json.hpp"
#include "vsd/base/names.hpp"
#include "vsd/ops/snapshots.hpp"
#include "vsd/storage/tree_difference.hpp"

namespace vs {
namespace {

constexpr Millis kReaderStep{200};
constexpr std::uint64_t kLookEvery = 256;  // entries between two looks at the reader

std::string lineOf(const storage::Difference& difference) {
  Json json{{"change", storage::nameOf(difference.change)},
            {"type", difference.type},
            {"path", escaped(difference.path)},
            {"what", difference.what}};
  if (difference.type == "file") json["size"] = difference.size;
  return json.dump() + "\n";
}

}  // namespace

bool PatientWriter::hasRoom(Millis time) const {
  pollfd sink{out_, POLLOUT, 0};
  const int ready = ::poll(&sink, 1, static_cast<int>(time.count()));
  if (ready > 0 && (sink.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0)
    throw Error(Kind::Cancelled, "nobody reads the differences any more");
  return ready > 0 && (sink.revents & POLLOUT) != 0;
}

void PatientWriter::checkReader() const {
  hasRoom(Millis(0));
  if (operation_.isCancelled()) throw Error(Kind::Cancelled, "the comparison was cancelled");
}

void PatientWriter::flush() {
  std::string_view rest = buffer_;
  while (!rest.empty()) {
    checkReader();
    if (!hasRoom(kReaderStep)) continue;
    // No more than fits for certain (pipe(7), PIPE_BUF).
    const std::string_view part = rest.substr(0, PIPE_BUF);
    const ssize_t written = ::write(out_, part.data(), part.size());
    if (written < 0 && errno == EPIPE)
      throw Error(Kind::Cancelled, "nobody reads the differences any more");
    if (written < 0 && errno != EAGAIN && errno != EINTR)
      throw systemError(errno, "write the differences");
    rest.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(written, 0)));
  }
  buffer_.clear();
}

void PatientWriter::write(const std::string& line) {
  buffer_ += line;
  if (buffer_.size() >= PIPE_BUF) flush();
}

std::vector<std::string> planDiff(const Host& host, const DiffRequest& request) {
  needSnapshot(host, request.context, request.snapshot);
  if (!request.other.empty()) needSnapshot(host, request.context, request.other);
  if (request.snapshot == request.other)
    throw invalid("snapshot '{}' cannot be compared with itself", request.snapshot);
  return {};
}

void diff(const Host& host, const DiffRequest& request, int out, Operation& operation) {
  planDiff(host, request);
  const auto storage = storageOf(host, request.context);
  PatientWriter writer(out, operation);

  operation.step("open what is to be compared");
  const auto before = storage->openSnapshot(request.context, request.snapshot);
  const auto after = request.other.empty() ? storage->openMoment(request.context)
                                           : storage->openSnapshot(request.context, request.other);

  operation.step("compare");
  std::uint64_t looked = 0;
  const auto looking = [&] {
    if (++looked % kLookEvery == 0) writer.checkReader();
  };
  const std::uint64_t tooDeep = storage::compareTrees(
      before->path(), after->path(), looking,
      [&writer](const storage::Difference& difference) { writer.write(lineOf(difference)); });
  writer.flush();
  if (tooDeep > 0)
    operation.note(
        fmt::format("{} directories lie more than {} levels deep and were not looked "
                    "into",
                    tooDeep, storage::kDeepest));
}

}  // namespace vs
