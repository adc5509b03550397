// Tier `thin`: a local volume group with one thin pool, `vs-pool`. Templates are thin volumes in
// it, and a context's volume is a thin snapshot of its template (lvm_engine.hpp has their names).
#pragma once

#include "vsd/storage/lvm_engine.hpp"

namespace vs::storage {

inline constexpr const char* kPoolName = "vs-pool";

class ThinEngine : public LvmEngine {
 public:
  ThinEngine(std::string name, std::string group, const Paths& paths, Runner& runner);

  Capabilities capabilities() const override;
  Space space() const override;
  std::string beginTemplate(const std::string& name, std::optional<Bytes> content) override;
  void createFromTemplate(const CreateRequest& request, const Progress& progress) override;
  void createEmpty(const CreateRequest& request) override;
  void clone(const std::string& from, const CreateRequest& request,
             const Progress& progress) override;
};

}  // namespace vs::storage
