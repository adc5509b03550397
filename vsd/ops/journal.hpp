// The rows of operations in the store: begun, step, ended. Written without waiting for the disk
// (Durability::Normal): a row must survive the death of vsd, and after a power cut no process of an
// operation is left that it could tell about; what then lies around is found by name.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "vsd/context/database.hpp"
#include "vsd/ops/operation.hpp"

namespace vs {

class Journal {
 public:
  explicit Journal(const std::string& path);

  // Returns the new operation's id. `parameters` is what a recovery needs (JSON).
  std::string begin(const std::string& verb, const std::string& object, const std::string& user,
                    const std::string& parameters);
  void record(const OperationPicture& picture);

  struct Open {
    OperationPicture picture;
    std::string parameters;
  };
  // Operations that an earlier vsd did not finish.
  std::vector<Open> unfinished();
  // The newest `limit` ones, ended or not.
  std::vector<OperationPicture> newest(int limit);
  std::optional<OperationPicture> find(const std::string& id);

 private:
  std::mutex mutex_;
  Database database_;
};

}  // namespace vs
