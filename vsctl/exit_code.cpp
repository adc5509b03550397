#include "vsctl/exit_code.hpp"

namespace vs::ctl {

ExitCode exitCodeFor(Kind kind) {
  switch (kind) {
    case Kind::NotFound:
      return kNotFound;
    case Kind::Exists:
      return kExists;
    case Kind::Busy:
      return kBusy;
    case Kind::InvalidParameter:
      return kUsage;
    case Kind::TimedOut:
      return kTimedOut;
    case Kind::Denied:
      return kDenied;
    case Kind::InvalidState:
    case Kind::Unsupported:
    case Kind::Cancelled:
    case Kind::Failed:
      return kFailure;
  }
  return kFailure;
}

}  // namespace vs::ctl
