#include "vsd/api/framing.hpp"

#include <iterator>
#include <utility>

#include "vsd/base/error.hpp"

namespace vs::api {

void FrameReader::append(std::string_view bytes) {
  if (partial_.text.size() + bytes.size() > limit_)
    throw invalid("a message is longer than {} bytes, which is the most accepted", limit_);
  partial_.text += bytes;
}

// unix(7) streams glue bytes sent before a message with descriptors to that message in one receive,
// but never bytes sent after it. So the descriptors belong to the message of the last byte
// received.
void FrameReader::push(std::string_view bytes, std::vector<Fd> fds) {
  if (bytes.empty()) return;
  for (std::size_t end = bytes.find('\0'); end != std::string_view::npos; end = bytes.find('\0')) {
    append(bytes.substr(0, end));
    ready_.push_back(std::exchange(partial_, {}));
    bytes.remove_prefix(end + 1);
  }
  append(bytes);
  Frame& owner = partial_.text.empty() ? ready_.back() : partial_;
  if (owner.fds.size() + fds.size() > kMaxFds)
    throw invalid("a message carries more than {} descriptors", kMaxFds);
  std::move(fds.begin(), fds.end(), std::back_inserter(owner.fds));
}

std::optional<Frame> FrameReader::pop() {
  if (ready_.empty()) return std::nullopt;
  Frame frame = std::move(ready_.front());
  ready_.pop_front();
  return frame;
}

std::string encodeFrame(const Json& message, BadText badText) {
  const auto handler =
      badText == BadText::Refuse ? Json::error_handler_t::strict : Json::error_handler_t::replace;
  try {
    std::string bytes = message.dump(-1, ' ', false, handler);
    bytes += '\0';
    return bytes;
  } catch (const Json::type_error&) {
    throw invalid("a value is not UTF-8 text")
        .withHint("only UTF-8 text can be sent to the daemon");
  }
}

}  // namespace vs::api
