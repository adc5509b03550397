#include "vsd/ops/contexts.hpp"

#include <algorithm>

#include "vsd/base/error.hpp"
#include "vsd/base/names.hpp"
#include "vsd/context/id_ranges.hpp"

namespace vs {

Contexts::Contexts(Store& store) : store_(store) {
  for (Record& record : store_.all()) {
    ContextPicture picture;
    picture.goal = record.goal;
    picture.removing = record.removing;
    picture.ended = record.ended;
    picture.definition = std::move(record.definition);
    const std::string name = picture.definition.name;
    pictures_[name] = std::move(picture);
  }
}

ContextPicture& Contexts::at(const std::string& name) {
  const auto found = pictures_.find(name);
  if (found == pictures_.end())
    throw Error(Kind::NotFound, fmt::format("there is no context '{}'", printable(name)))
        .withHint("see 'vsctl list'");
  return found->second;
}

ContextPicture Contexts::find(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  return const_cast<Contexts*>(this)->at(name);
}

std::optional<ContextPicture> Contexts::findIfAny(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = pictures_.find(name);
  if (found == pictures_.end()) return std::nullopt;
  return found->second;
}

std::vector<ContextPicture> Contexts::all() const {
  const std::lock_guard lock(mutex_);
  std::vector<ContextPicture> all;
  for (const auto& [name, picture] : pictures_) all.push_back(picture);
  return all;
}

void Contexts::insert(const Definition& definition) {
  const std::lock_guard lock(mutex_);
  store_.insert({definition, Goal::Stopped, false, ""});
  pictures_[definition.name].definition = definition;
}

void Contexts::replaceDefinition(const Definition& definition) {
  const std::lock_guard lock(mutex_);
  store_.updateDefinition(definition);
  at(definition.name).definition = definition;
}

void Contexts::rename(const std::string& from, const Definition& renamed) {
  const std::lock_guard lock(mutex_);
  ContextPicture picture = at(from);
  store_.rename(from, renamed);
  picture.definition = renamed;
  pictures_.erase(from);
  pictures_[renamed.name] = std::move(picture);
}

void Contexts::erase(const std::string& name) {
  const std::lock_guard lock(mutex_);
  store_.erase(name);
  pictures_.erase(name);
}

void Contexts::markRemoving(const std::string& name) {
  const std::lock_guard lock(mutex_);
  store_.markRemoving(name);
  at(name).removing = true;
}

void Contexts::setGoal(const std::string& name, Goal goal) {
  const std::lock_guard lock(mutex_);
  if (at(name).goal == goal) return;
  store_.updateGoal(name, goal);
  at(name).goal = goal;
}

bool Contexts::setSnapshotTrouble(const std::string& name, const std::string& trouble) {
  const std::lock_guard lock(mutex_);
  const auto found = pictures_.find(name);
  if (found == pictures_.end()) return false;
  const std::string before = std::exchange(found->second.snapshotTrouble, trouble);
  return withoutFigures(before) != withoutFigures(trouble);
}

void Contexts::setObstacles(const std::string& name, const RunningContext& running,
                            std::vector<std::string> obstacles) {
  const std::lock_guard lock(mutex_);
  const auto found = pictures_.find(name);
  if (found != pictures_.end() && found->second.running.get() == &running)
    found->second.obstacles = std::move(obstacles);
}

void Contexts::setState(const std::string& name, State state) {
  const std::lock_guard lock(mutex_);
  transition(name, at(name).state, state);
}

void Contexts::setRunning(const std::string& name, std::shared_ptr<const RunningContext> running) {
  {
    const std::lock_guard lock(mutex_);
    ContextPicture& picture = at(name);
    picture.running = running;
    picture.obstacles.reset();
    picture.ended.clear();
    transition(name, picture.state, State::Running);
  }
  if (watcher_) watcher_(name, std::move(running));
}

void Contexts::setEnded(const std::string& name, State state, const std::string& ended) {
  const std::lock_guard lock(mutex_);
  ContextPicture& picture = at(name);
  picture.running.reset();
  picture.obstacles.reset();
  picture.ended = ended;
  store_.updateEnded(name, ended);
  transition(name, picture.state, state);
}

Contexts::IdReservation Contexts::reserveIds(const std::vector<IdRange>& alsoTaken) {
  const std::lock_guard lock(mutex_);
  std::vector<IdRange> taken = alsoTaken;
  taken.insert(taken.end(), reserved_.begin(), reserved_.end());
  for (const auto& [name, picture] : pictures_) taken.push_back(picture.definition.ids);
  const IdRange range = findFreeRange(taken);
  reserved_.push_back(range);
  return {*this, range};
}

Contexts::IdReservation::~IdReservation() {
  if (contexts_ == nullptr) return;
  const std::lock_guard lock(contexts_->mutex_);
  std::erase(contexts_->reserved_, range_);
}

}  // namespace vs
