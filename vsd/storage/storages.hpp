// All storages of this host, by name, and what goes across them: which one holds a volume, and
// templates, which are copied to a storage the first time a context there wants one.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "vsd/base/runner.hpp"
#include "vsd/storage/engine.hpp"

namespace vs::storage {

class Storages {
 public:
  explicit Storages(Runner& runner) : runner_(runner) {}

  void add(std::shared_ptr<Engine> engine);  // throws Exists
  void remove(const std::string& name);      // from this table; absent is success

  std::vector<std::shared_ptr<Engine>> all() const;  // by name
  std::shared_ptr<Engine> findIfAny(const std::string& name) const;
  // Throws NotFound, naming those there are.
  std::shared_ptr<Engine> named(const std::string& name) const;

  // The storage that holds the volume; null when none does. A storage that cannot be asked is an
  // error only when no other has it.
  std::shared_ptr<Engine> holding(const std::string& volume) const;

  // The names of all templates, each with the names of the storages that have it.
  std::map<std::string, std::vector<std::string>> templates() const;
  // A storage that has the template; throws NotFound.
  std::shared_ptr<Engine> withTemplate(const std::string& name) const;
  // Copies the template to `to` unless it is there.
  void bringTemplate(const std::string& name, Engine& to, const Progress& progress);
  // The name of the template that is being copied at this moment: it is in use on both sides.
  std::optional<std::string> broughtNow() const;

 private:
  Runner& runner_;
  mutable std::shared_mutex mutex_;
  std::map<std::string, std::shared_ptr<Engine>> engines_;
  std::mutex bringing_;  // one copy at a time: two creates may want the same template
  std::optional<std::string> brought_;
};

}  // namespace vs::storage
