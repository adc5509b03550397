// vsd: the daemon. A list of parts, in the order in which they need each other.
#include <signal.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <asio.hpp>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "interface_text.hpp"
#include "vsd/api/handlers.hpp"
#include "vsd/api/server.hpp"
#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"
#include "vsd/base/log.hpp"
#include "vsd/guard.hpp"
#include "vsd/kernel/launch.hpp"
#include "vsd/ops/link_guard.hpp"
#include "vsd/ops/reconcile.hpp"
#include "vsd/ops/recovery.hpp"
#include "vsd/ops/storages.hpp"
#include "vsd/pools.hpp"
#include "vsd/schedules.hpp"
#include "vsd/storage/dir_engine.hpp"
#include "vsd/surveys.hpp"

namespace vs {
namespace {

struct Options {
  std::string prefix;
  std::string libexec = VSD_LIBEXEC;
  bool rebuild = false;
  bool checkConfig = false;
};

constexpr const char* kUsage =
    "usage: vsd [--prefix DIR] [--libexec DIR] [--check-config | --rebuild | --version]\n"
    "The daemon of the vsd context isolator; see vsd(8).\n";

// nullopt: said what was asked for, nothing more to do.
std::optional<Options> parseOptions(const std::vector<std::string>& words) {
  Options options;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    const auto value = [&]() -> std::string {
      if (i + 1 >= words.size()) throw invalid("{} needs a value", word);
      return words[++i];
    };
    if (word == "--prefix")
      options.prefix = value();
    else if (word == "--libexec")
      options.libexec = value();
    else if (word == "--rebuild")
      options.rebuild = true;
    else if (word == "--check-config")
      options.checkConfig = true;
    else if (word == "--version")
      return std::printf("vsd %s\n", VSD_VERSION), std::nullopt;
    else if (word == "--help")
      return std::fputs(kUsage, stdout), std::nullopt;
    else
      throw invalid("unknown argument '{}'", word).withHint("see vsd --help");
  }
  return options;
}

void makeDirectories(const Paths& paths) {
  vs::makeDirectories(paths.state(), 0700);
  vs::makeDirectories(paths.logs(), 0750);
  vs::makeDirectories(paths.run(), 0755);
  vs::makeDirectories(paths.contexts(), 0700);
}

// The socket systemd made for us (vsd.socket), or our own.
Fd apiSocket(const Paths& paths, const Config& config) {
  const int given = ::sd_listen_fds(1);
  if (given == 1) return Fd(SD_LISTEN_FDS_START);
  if (given > 1) throw failed("systemd passed {} sockets, one was expected", given);
  return api::listenAt(paths.socket(), config.group);
}

// Tier `dir` is always there; the others as they were added.
void addStorages(storage::Storages& storages, Store& store, const Paths& paths, Runner& runner,
                 Bytes defaultSize) {
  storages.add(std::make_shared<storage::DirEngine>(paths, runner));
  for (const StorageRecord& record : store.storages()) {
    const auto engine = makeEngine(record, paths, runner);
    engine->setDefaultSize(defaultSize);
    storages.add(engine);
  }
}

int serve(const Options& options) {
  const Paths paths{options.prefix, findCgroupRoot()};
  const Config config = readConfig(paths.etc());
  if (config.debug) log::setThreshold(log::Level::Debug);
  // What is below /run lasts as long as the host runs.
  const Boot boot = exists(paths.contexts()) ? Boot::LaterStart : Boot::FirstStart;
  makeDirectories(paths);

  Store store(paths.database());
  Journal journal(paths.database());
  RealRunner runner;
  storage::Storages storages(runner);
  addStorages(storages, store, paths, runner, config.defaultSize);
  const GuestProgram guestProgram(options.libexec + "/vsd-guest");
  Contexts contexts(store);
  asio::io_context loop(1);  // outlives the operations, which tell it of their changes
  Operations operations(journal);
  const Host host{paths,        config,          runner,   storages,  store,
                  guestProgram, options.libexec, contexts, operations};

  Guard guard(loop, host);
  contexts.watch(
      [&guard](const std::string& name, auto running) { guard.watch(name, std::move(running)); });
  Recovery recovery(host, journal, boot);
  recovery.begin();

  const Schedules schedules(host);
  const Surveys surveys(host);

  api::Service service{std::string(kInterfaceText), VSD_VERSION};
  api::addAllHandlers(service, host, VSD_VERSION);
  api::Server server(loop, service, apiSocket(paths, config));
  recovery.goOn();
  recovery.keepLooking();
  const Pools pools(host);
  const LinkGuard linkGuard(host);

  asio::signal_set signals(loop, SIGTERM, SIGINT);
  signals.async_wait([&](const std::error_code&, int number) {
    log::info("ending on signal {}; contexts go on", number);
    // Operations in progress are journalled: the next vsd finishes or undoes them. Contexts and
    // exec sessions have parents of their own. So there is nothing to wait for.
    ::sd_notify(0, "STOPPING=1");
    ::_exit(0);
  });
  log::info("vsd {} serves {} contexts", VSD_VERSION, contexts.all().size());
  ::sd_notify(0, "READY=1");
  loop.run();
  return 0;
}

int rebuildStore(const Options& options) {
  const Paths paths{options.prefix, findCgroupRoot()};
  makeDirectories(paths);
  Store store(paths.database());
  RealRunner runner;
  for (const std::string& sentence : rebuildStorages(runner, store))
    std::printf("%s\n", sentence.c_str());
  storage::Storages storages(runner);
  addStorages(storages, store, paths, runner, storage::kDefaultSize);
  for (const auto& storage : storages.all())
    for (const std::string& sentence : rebuild(*storage, store))
      std::printf("%s\n", sentence.c_str());
  return 0;
}

int run(const std::vector<std::string>& words) {
  const std::optional<Options> options = parseOptions(words);
  if (!options) return 0;
  if (options->checkConfig) {
    readConfig(options->prefix + "/etc/vsd");
    return std::puts("the configuration is well"), 0;
  }
  if (::geteuid() != 0) throw Error(Kind::Denied, "vsd must be run as root");
  return options->rebuild ? rebuildStore(*options) : serve(*options);
}

}  // namespace
}  // namespace vs

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  try {
    return vs::run(std::vector<std::string>(argv + 1, argv + argc));
  } catch (const vs::Error& error) {
    for (const std::string& problem : error.blockers()) vs::log::error("{}", problem);
    vs::log::error("{}", error.text());
    if (!error.hint().empty()) vs::log::error("{}", error.hint());
    return error.kind() == vs::Kind::InvalidParameter ? 2 : 1;
  } catch (const std::exception& error) {
    vs::log::error("{}", error.what());
    return 1;
  }
}
