#include "vsd/storage/engine.hpp"

#include <exception>

#include "vsd/base/error.hpp"
#include "vsd/base/log.hpp"

namespace vs::storage {
namespace {

Error noHandOver(const Engine& engine, const std::string& volume) {
  return Error(Kind::Unsupported,
               fmt::format("cannot hand over volume '{}': storage '{}' is of tier {}, which is not "
                           "shared between hosts",
                           volume, engine.name(), engine.capabilities().tier))
      .withHint("a hand-over needs a storage of tier 'shared'");
}

Error noSnapshots(const Engine& engine, const std::string& volume) {
  return Error(Kind::Unsupported, fmt::format("volume '{}' lies on storage '{}', which has no "
                                              "snapshots",
                                              volume, engine.name()));
}

}  // namespace

OpenTree::OpenTree(std::string path, std::function<void()> close)
    : path_(std::move(path)), close_(std::move(close)) {}

OpenTree::~OpenTree() {
  try {
    close_();
  } catch (const std::exception& error) {
    log::error("cannot close '{}': {}, ignoring", path_, error.what());
  }
}

std::vector<Finding> Engine::findings(const std::string&) const { return {}; }
std::vector<std::string> Engine::letDevicesGo() { return {}; }
void Engine::keepRoom(const Growth&) {}
std::optional<std::string> Engine::deviceOf(const std::string&) const { return std::nullopt; }
std::vector<std::string> Engine::troubles() const { return {}; }
std::optional<Engine::Promise> Engine::promise(Millis) const { return std::nullopt; }

void Engine::shrink(const std::string& name, Bytes) {
  throw Error(Kind::Unsupported, fmt::format("cannot shrink volume '{}': storage '{}' has no sizes",
                                             name, this->name()));
}
CheckReport Engine::checkVolume(const std::string& name, Repair) {
  throw Error(Kind::Unsupported,
              fmt::format("cannot check volume '{}': on storage '{}' it is a part of the host's "
                          "file system",
                          name, this->name()))
      .withHint("check that one with the host's own means");
}

Snapshot Engine::showSnapshot(const std::string& name, const std::string&) const {
  throw noSnapshots(*this, name);
}
std::shared_ptr<const OpenTree> Engine::openMoment(const std::string& name) {
  throw noSnapshots(*this, name);
}

std::optional<Owner> Engine::ownerOf(const std::string&) const { return std::nullopt; }
void Engine::takeOwnership(const std::string& name) { throw noHandOver(*this, name); }
void Engine::release(const std::string& name) { throw noHandOver(*this, name); }
void Engine::takeBack(const std::string& name) { throw noHandOver(*this, name); }
bool Engine::isReleased(const std::string&) const { return false; }
std::string Engine::takeOver(const std::string& name, std::uint64_t) {
  throw noHandOver(*this, name);
}
void Engine::commitTakeOver(const std::string& name, std::uint64_t) {
  throw noHandOver(*this, name);
}
void Engine::finishTakeOver(const std::string& name) { throw noHandOver(*this, name); }
void Engine::giveUpTakeOver(const std::string& name, std::uint64_t) {
  throw noHandOver(*this, name);
}

}  // namespace vs::storage
