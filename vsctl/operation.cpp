#include "vsctl/operation.hpp"

#include <algorithm>
#include <atomic>
#include <thread>

#include "vsctl/columns.hpp"
#include "vsctl/exit_code.hpp"
#include "vsctl/interrupts.hpp"
#include "vsctl/progress.hpp"
#include "vsctl/text.hpp"

namespace vs::ctl {
namespace {

using Clock = std::chrono::steady_clock;
constexpr Millis kTick{100};

std::string taskOf(const Work& work) {
  return fmt::format("{} '{}'", work.wording.verb, cleanLine(work.object));
}

Json operationOf(const Json& reply) { return reply.value("operation", Json()); }

std::string idOf(const Json& operation) {
  return operation.is_object() ? operation.value("id", "") : "";
}

// Everything one run of carryOut shares between its threads.
class Carrier {
 public:
  Carrier(Session& session, const std::vector<Work>& works)
      : session_(session),
        works_(works),
        progress_(session.globals()),
        results_(works.size()),
        codes_(works.size(), kSuccess) {}

  void run(unsigned parallel) {
    const auto count = std::min<std::size_t>(std::max(1U, parallel), works_.size());
    std::vector<std::thread> helpers;
    for (std::size_t i = 1; i < count; ++i) helpers.emplace_back([this] { workThrough(); });
    workThrough();
    for (std::thread& helper : helpers) helper.join();
  }

  int finish() {
    if (!session_.globals().isForPeople() && session_.globals().formatKind() != Format::Name)
      printDocument();
    const auto bad = std::ranges::find_if(codes_, [](int code) { return code != kSuccess; });
    return bad == codes_.end() ? static_cast<int>(kSuccess) : *bad;
  }

 private:
  void workThrough() {
    std::optional<api::Client> client;
    for (std::size_t i = next_++; i < works_.size(); i = next_++) {
      try {
        if (interrupts_.count() > 0)
          throw Error(Kind::Cancelled, taskOf(works_[i]) + " was not begun");
        if (!client) client = session_.connect();
        codes_[i] = perform(*client, i);
      } catch (const Error& error) {
        client.reset();  // a reply may still be on its way
        fail(i, error);
      } catch (const std::exception& error) {
        client.reset();
        fail(i, failed("{}: the daemon's reply is not understood: {}", taskOf(works_[i]),
                       error.what()));
      }
    }
  }

  void fail(std::size_t index, const Error& error) {
    codes_[index] = exitCodeFor(error.kind());
    progress_.finish(taskOf(works_[index]));
    progress_.print(Progress::Stream::Error,
                    errorText(error, works_[index].object, session_.globals().format));
  }

  int perform(api::Client& client, std::size_t index) {
    const Work& work = works_[index];
    Json parameters = work.parameters;
    if (session_.globals().dryRun) {
      parameters["dryRun"] = true;
      const Json reply = client.call(work.method, parameters, work.fds).parameters;
      return showPlan(index, reply.value("plan", Json::array()));
    }
    if (session_.globals().async) {
      parameters["async"] = true;
      const Json reply = client.call(work.method, parameters, work.fds).parameters;
      results_[index] = operationOf(reply);
      if (printsLines()) progress_.print(Progress::Stream::Out, idOf(results_[index]) + "\n");
      return kSuccess;
    }
    return waitForEnd(client, index);
  }

  int waitForEnd(api::Client& client, std::size_t index) {
    const Work& work = works_[index];
    const Clock::time_point began = Clock::now();
    client.send(work.method, work.parameters, api::Client::Expect::Many, work.fds);
    Json operation;
    int interruptsSeen = 0;
    for (;;) {
      std::optional<api::Reply> reply =
          client.receiveUnless(interrupts_.fdAfter(interruptsSeen), kTick);
      if (reply) operation = operationOf(reply->parameters);
      if (reply && !reply->continues) break;
      const bool isKnown = !idOf(operation).empty();
      if (interrupts_.count() > interruptsSeen && isKnown) {
        if (++interruptsSeen > 1) return leave(work, operation);
        abort(work, operation);
      }
      progress_.update(taskOf(work), operation, elapsedSince(began));
    }
    progress_.update(taskOf(work), operation, elapsedSince(began));
    progress_.finish(taskOf(work));
    throwIfFailed(operation);
    showEnd(index, operation, elapsedSince(began));
    return kSuccess;
  }

  static Millis elapsedSince(Clock::time_point began) {
    return std::chrono::duration_cast<Millis>(Clock::now() - began);
  }

  void abort(const Work& work, const Json& operation) {
    progress_.print(Progress::Stream::Error,
                    fmt::format("{}: asking the daemon to end it and to take back what it did; "
                                "press Ctrl-C again to leave it running\n",
                                taskOf(work)));
    try {
      session_.connect().call("OperationAbort", {{"id", idOf(operation)}});
    } catch (const Error& error) {
      // It may have ended meanwhile; its own reply tells.
      progress_.print(Progress::Stream::Error, fmt::format("vsctl: {}, ignoring\n", error.text()));
    }
  }

  int leave(const Work& work, const Json& operation) {
    progress_.finish(taskOf(work));
    const std::string id = idOf(operation);
    progress_.print(Progress::Stream::Error,
                    fmt::format("{} goes on as operation {}: 'vsctl operation wait {}' follows it, "
                                "'vsctl operation abort {}' stops it\n",
                                taskOf(work), id, id, id));
    return kInterrupted;
  }

  bool printsLines() const {
    return session_.globals().isForPeople() || session_.globals().formatKind() == Format::Name;
  }

  int showPlan(std::size_t index, const Json& plan) {
    const Work& work = works_[index];
    results_[index] = {{"object", work.object}, {"verb", work.wording.verb}, {"plan", plan}};
    if (!printsLines()) return kSuccess;
    std::string text = plan.empty() ? fmt::format("{} would change nothing\n", taskOf(work))
                                    : fmt::format("{} would:\n", taskOf(work));
    for (const Json& step : plan)
      if (step.is_string()) text += "  - " + cleanLine(step.get<std::string>()) + "\n";
    progress_.print(Progress::Stream::Out, text);
    return kSuccess;
  }

  void showEnd(std::size_t index, const Json& operation, Millis elapsed) {
    const Work& work = works_[index];
    results_[index] = operation;
    if (session_.globals().formatKind() == Format::Name)
      progress_.print(Progress::Stream::Out, work.object + "\n");
    if (!session_.globals().isForPeople() || session_.globals().quiet) return;
    progress_.print(Progress::Stream::Out,
                    fmt::format("{} '{}' in {}\n", work.wording.done, cleanLine(work.object),
                                formatDuration(elapsed)));
    if (!operation.is_object()) return;
    for (const Json& note : operation.value("notes", Json::array()))
      if (note.is_string())
        progress_.print(Progress::Stream::Error,
                        fmt::format("  note: {}\n", cleanLine(note.get<std::string>())));
  }

  void printDocument() {
    Json items = Json::array();
    for (Json& result : results_)
      if (!result.is_null()) items.push_back(std::move(result));
    if (session_.globals().dryRun)
      session_.printItems("PlanList", kPlanColumns, std::move(items));
    else
      session_.printItems("OperationList", kOperationColumns, std::move(items));
  }

  Session& session_;
  const std::vector<Work>& works_;
  Interrupts interrupts_;
  Progress progress_;
  std::atomic<std::size_t> next_{0};
  std::vector<Json> results_;  // each written by the thread that has its index
  std::vector<int> codes_;
};

}  // namespace

int carryOut(Session& session, const std::vector<Work>& works, unsigned parallel) {
  if (works.empty()) {
    session.note("nothing to do");
    return kSuccess;
  }
  Carrier carrier(session, works);
  carrier.run(parallel);
  return carrier.finish();
}

int carryOut(Session& session, Work work) {
  std::vector<Work> works;
  works.push_back(std::move(work));
  return carryOut(session, works);
}

void throwIfFailed(const Json& operation) {
  if (!operation.is_object()) return;
  const std::string state = operation.value("state", "done");
  if (state == "done" || state == "running") return;
  const auto text = [&](const char* field) {
    const Json value = operation.value(field, Json());
    return value.is_string() ? value.get<std::string>() : std::string();
  };
  std::string message = text("error");
  if (message.empty()) message = fmt::format("operation {} was {}", text("id"), state);
  const Kind otherwise = state == "cancelled" ? Kind::Cancelled : Kind::Failed;
  Error error(kindFrom(text("errorKind")).value_or(otherwise), std::move(message));
  error.withHint(text("hint"));
  error.withBlockers(operation.value("problems", std::vector<std::string>()));
  throw api::CallError(std::move(error), text("id"));
}

}  // namespace vs::ctl
