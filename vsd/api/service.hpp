// What stands between the wire and the handlers: one table from method name to handler, every call
// held against the interface file first, every thrown error turned into an error reply.
//
// Handlers run on worker threads and may wait a little; what waits long is an operation, which a
// handler starts and hands back to be watched.
#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "vsd/api/idl.hpp"
#include "vsd/base/fd.hpp"
#include "vsd/base/json.hpp"
#include "vsd/base/units.hpp"
#include "vsd/ops/operation.hpp"

namespace vs::api {

struct Call {
  std::string method;  // "List", without the interface
  Json parameters;
  std::vector<Fd> fds;
  std::string user;  // who calls, from the socket: "root", "uid 1000"
  bool more = false;

  // The parameter, or nullopt / the default when it is absent or null.
  bool flag(const char* name) const;
  std::optional<std::string> text(const char* name) const;
  std::optional<std::int64_t> number(const char* name) const;
  std::vector<std::string> texts(const char* name) const;
};

struct Answer {
  Json parameters = Json::object();
  std::vector<Fd> fds;
};

// An operation to be told about until it ends. Its failure becomes an error reply.
struct Watch {
  std::shared_ptr<Operation> operation;
  // The reply for a picture of it; also called for its end.
  std::function<Json(const OperationPicture&)> reply;
  bool once = false;              // reply at once, do not wait (async)
  std::optional<Millis> timeout;  // then TimedOut
  bool failureIsError = true;     // false: the reply tells of the failure (OperationWait)
};

// More and more of something: asked several times a second until the client goes away.
struct Follow {
  Json first;
  std::function<std::optional<Json>()> next;
};

using Outcome = std::variant<Answer, Watch, Follow>;
using Handler = std::function<Outcome(Call&)>;

// What asks inside a context or runs host tools is Slow: it gets workers of its own, so that
// contexts that do not answer hold nobody else up.
enum class Pace { Quick, Slow };

class Service {
 public:
  // `description` is the text of the interface file.
  Service(std::string description, std::string version);

  void add(const std::string& method, Handler handler, Pace pace = Pace::Quick);
  // Methods without a handler, and handlers without a method: empty when table and file agree.
  std::vector<std::string> disagreements() const;

  // The full name as called, "io.vsd.List"; also org.varlink.service. Never throws: errors become
  // replies. What it returns is either a finished reply or something to watch.
  struct Result {
    std::optional<Json> reply;  // {"parameters": ...} or {"error": ...}
    std::vector<Fd> fds;
    std::optional<Watch> watch;
    std::optional<Follow> follow;
  };
  Result handle(const std::string& fullName, Call& call) const;

  // Of the full name as called; Quick for what there is not.
  Pace paceOf(const std::string& fullName) const;
  const Interface& interface() const { return interface_; }
  Json errorReply(const Error& error, const std::string& operation = {}) const;
  // Throws std::logic_error when a reply does not fit the interface file. Used by tests and debug
  // runs.
  void checkReply(const std::string& method, const Json& parameters) const;

 private:
  Json describeService(const std::string& method, const Json& parameters) const;

  std::string description_;
  std::string version_;
  Interface interface_;
  std::map<std::string, Handler> handlers_;
  std::set<std::string> slow_;  // full names
};

}  // namespace vs::api
