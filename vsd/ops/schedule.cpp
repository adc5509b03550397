#include "vsd/ops/schedule.hpp"

#include "vsd/base/json.hpp"
#include "vsd/base/log.hpp"
#include "vsd/ops/snapshots.hpp"

namespace vs {
namespace {

// By the mark that they bear, not only by their names.
std::vector<std::string> madeBySchedule(const std::vector<storage::Snapshot>& snapshots) {
  std::vector<std::string> names;
  for (const storage::Snapshot& snapshot : snapshots)
    if (snapshot.by == storage::MadeBy::Schedule) names.push_back(snapshot.name);
  return names;
}

std::vector<std::string> madeBySchedule(const Host& host, const std::string& name) {
  return madeBySchedule(storageOf(host, name)->listSnapshots(name));
}

}  // namespace

std::vector<Rule> showSchedule(const Host& host, const std::string& name) {
  const Schedule schedule = host.contexts.find(name).definition.schedule;
  const std::vector<storage::Snapshot> snapshots = storageOf(host, name)->listSnapshots(name);
  std::vector<Rule> rules;
  for (const auto& [period, keep] : schedule.keep) {
    Rule rule{period, keep, 0, "", slotAfter(period, momentNow())};
    for (const storage::Snapshot& snapshot : snapshots) {
      const auto made = autoSnapshotFrom(snapshot.name);
      if (!made || made->period != period || snapshot.by != storage::MadeBy::Schedule) continue;
      ++rule.kept;
      rule.newest = std::max(rule.newest, snapshot.created);
    }
    rules.push_back(std::move(rule));
  }
  return rules;
}

std::vector<std::string> planSchedule(const Host& host, const std::string& name,
                                      const Schedule& schedule) {
  const Schedule now = host.contexts.find(name).definition.schedule;
  if (!schedule.isEmpty()) storageWithSnapshots(host, name);
  if (schedule == now) return {};
  return {fmt::format("snapshots of context '{}' that are taken by themselves: {} -> {}", name,
                      describe(now), describe(schedule))};
}

void setSchedule(const Host& host, const std::string& name, const Schedule& schedule,
                 Operation& operation) {
  planSchedule(host, name, schedule);
  operation.step("record it");
  operation.passPointOfNoReturn();
  Definition definition = host.contexts.find(name).definition;
  definition.schedule = schedule;
  host.contexts.replaceDefinition(definition);
  host.contexts.setSnapshotTrouble(name, "");
  storageOf(host, name)->saveDefinition(name, toJson(definition).dump());
}

bool hasScheduledWork(const Host& host, const ContextPicture& context) {
  const std::string& name = context.definition.name;
  const Schedule& schedule = context.definition.schedule;
  // Of a volume that is another host's by now, that one looks after.
  if (!storageOf(host, name)->hasVolume(name)) return false;
  const std::vector<std::string> made =
      madeBySchedule(storageWithSnapshots(host, name)->listSnapshots(name));
  return !dueAt(schedule, made, momentNow()).empty() ||
         !expiredAt(schedule, made, momentNow()).empty();
}

void runSchedule(const Host& host, const std::string& name, Operation& operation) {
  const auto storage = storageOf(host, name);
  const Schedule schedule = host.contexts.find(name).definition.schedule;
  if (!storage->hasVolume(name)) return;
  try {
    operation.step("take what is due");
    operation.passPointOfNoReturn();
    for (const std::string& snapshot : dueAt(schedule, madeBySchedule(host, name), momentNow())) {
      storage->createSnapshot(name, snapshot, storage::MadeBy::Schedule);
      operation.note(fmt::format("took '{}'", snapshot));
    }
    operation.step("remove what has expired");
    for (const std::string& snapshot :
         expiredAt(schedule, madeBySchedule(host, name), momentNow())) {
      storage->removeSnapshot(name, snapshot);
      operation.note(fmt::format("removed '{}'", snapshot));
    }
    host.contexts.setSnapshotTrouble(name, "");
  } catch (const Error& error) {
    if (error.kind() != Kind::Cancelled) noteScheduleTrouble(host, name, error.text());
    throw;
  }
}

void noteScheduleTrouble(const Host& host, const std::string& name, const std::string& trouble) {
  if (host.contexts.setSnapshotTrouble(name, trouble))
    log::error("context '{}': its schedule cannot be kept: {}", name, trouble);
}

}  // namespace vs
