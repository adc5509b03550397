#include "vsd/ops/operations.hpp"

#include <pthread.h>

#include <thread>

#include "vsd/base/log.hpp"

namespace vs {
Operations::~Operations() {
  std::unique_lock lock(mutex_);
  ended_.wait(lock, [this] { return running_.empty(); });
}

std::shared_ptr<Operation> Operations::start(const OperationRequest& request, Work work) {
  std::shared_ptr<Operation> operation;
  {
    std::unique_lock lock(mutex_);
    std::vector<std::string> objects = request.alsoBusy;
    objects.push_back(request.object);
    if (request.manner == Manner::Asked) makeWay(lock, objects, request.patience);
    for (const std::string& object : objects) {
      const auto holder = holders_.find(object);
      if (holder == holders_.end()) continue;
      throw Error(Kind::Busy,
                  fmt::format("'{}' is busy: operation {} ('{}') is running on it", object,
                              holder->second, running_.at(holder->second)->picture().verb))
          .withHint(fmt::format("wait for it with 'vsctl operation wait {}'", holder->second));
    }
    const std::string id =
        journal_.begin(request.verb, request.object, request.user, request.parameters);
    operation = std::make_shared<Operation>(id, request.verb, request.object, request.user);
    running_[id] = operation;
    if (request.manner == Manner::Yields) yielding_.insert(id);
    for (const std::string& object : objects) holders_[object] = id;
  }
  std::thread([this, operation, work = std::move(work), manner = request.manner] {
    run(operation, work, manner);
  }).detach();
  return operation;
}

void Operations::makeWay(std::unique_lock<std::mutex>& lock,
                         const std::vector<std::string>& objects, Millis patience) {
  const auto nobodyYields = [&] {
    bool found = false;
    for (const std::string& object : objects) {
      const auto holder = holders_.find(object);
      if (holder == holders_.end() || !yielding_.contains(holder->second)) continue;
      running_.at(holder->second)->cancelIfPossible();
      found = true;
    }
    return !found;
  };
  ended_.wait_for(lock, patience, nobodyYields);
}

void Operations::run(const std::shared_ptr<Operation>& operation, const Work& work, Manner manner) {
  ::pthread_setname_np(::pthread_self(), "operation");
  auto watcher =
      operation->observe([this, raw = operation.get()] { journal_.record(raw->picture()); });
  const OperationPicture begun = operation->picture();
  OperationState state = OperationState::Done;
  std::optional<Error> error;
  try {
    work(*operation);
  } catch (const Error& caught) {
    state = caught.kind() == Kind::Cancelled ? OperationState::Cancelled : OperationState::Failed;
    error = caught;
  } catch (const std::exception& caught) {
    state = OperationState::Failed;
    error = Error(Kind::Failed, caught.what());
  }
  if (error && manner == Manner::Asked)
    log::warning("operation {}: {} '{}': {}", begun.id, begun.verb, begun.object, error->text());
  // Freed for the next operation before anybody who waits hears of the end.
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(holders_, [&begun](const auto& holder) { return holder.second == begun.id; });
    yielding_.erase(begun.id);
    ended_.notify_all();
  }
  watcher.reset();
  operation->finish(state, std::move(error), [this](const OperationPicture& ended) {
    try {
      journal_.record(ended);
    } catch (const std::exception& caught) {
      log::error("operation {}: its end could not be recorded: {}, ignoring", ended.id,
                 caught.what());
    }
  });
  forget(begun.id);
}

void Operations::forget(const std::string& id) {
  const std::lock_guard lock(mutex_);
  running_.erase(id);
  if (running_.empty()) ended_.notify_all();
}

std::shared_ptr<Operation> Operations::runningOn(const std::string& object) const {
  const std::lock_guard lock(mutex_);
  const auto holder = holders_.find(object);
  return holder == holders_.end() ? nullptr : running_.at(holder->second);
}

std::shared_ptr<Operation> Operations::findRunning(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  const auto found = running_.find(id);
  return found == running_.end() ? nullptr : found->second;
}

OperationPicture Operations::show(const std::string& id) const {
  if (const auto operation = findRunning(id)) return operation->picture();
  if (auto picture = journal_.find(id)) return *picture;
  throw Error(Kind::NotFound, fmt::format("there is no operation '{}'", id))
      .withHint("see 'vsctl operation list --all'");
}

std::vector<OperationPicture> Operations::running() const {
  std::vector<OperationPicture> pictures;
  const std::lock_guard lock(mutex_);
  for (const auto& [id, operation] : running_) pictures.push_back(operation->picture());
  return pictures;
}

std::vector<std::string> Operations::busyObjects() const {
  std::vector<std::string> objects;
  const std::lock_guard lock(mutex_);
  for (const auto& [object, id] : holders_) objects.push_back(object);
  return objects;
}

}  // namespace vs
