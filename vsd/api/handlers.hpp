// The handlers of io.vsd, one function per group of methods: from a call's JSON to the functions of
// vsd/ops and back. No rule of the product lives here.
#pragma once

#include <functional>

#include "vsd/api/service.hpp"
#include "vsd/ops/host.hpp"

namespace vs::api {

void addHostHandlers(Service& service, const Host& host, std::string version);
void addContextHandlers(Service& service, const Host& host);   // Create, Start, Set ...
void addQueryHandlers(Service& service, const Host& host);     // List, Show, ShowSecurity, Log
void addSessionHandlers(Service& service, const Host& host);   // Exec, Console
void addSnapshotHandlers(Service& service, const Host& host);  // and Resize
void addCheckpointHandlers(Service& service, const Host& host);
void addArchiveHandlers(Service& service, const Host& host);   // Export, Import
void addScheduleHandlers(Service& service, const Host& host);  // of snapshots
void addStorageHandlers(Service& service, const Host& host);
void addNetworkHandlers(Service& service, const Host& host);  // and links, firewalls
void addTemplateHandlers(Service& service, const Host& host);
void addOperationHandlers(Service& service, const Host& host);

void addAllHandlers(Service& service, const Host& host, std::string version);

// What changing methods have in common: `dryRun` answers with the plan, else the work is started as
// an operation and watched, or with `async` told of once.
struct Change {
  OperationRequest request;
  std::function<std::vector<std::string>()> plan;
  Operations::Work work;
};
Outcome runChange(const Host& host, const Call& call, Change change);

// An operation that holds the context `name`; `also` are parameters beside that.
OperationRequest requestOn(const std::string& verb, const std::string& name, const Json& also);

// The one descriptor of a call that needs it; throws InvalidParameter. `purpose` is "the import of
// a template".
std::shared_ptr<Fd> onlyDescriptor(Call& call, std::string_view purpose);

// {"operation": ...}
Json operationReply(const OperationPicture& picture);

}  // namespace vs::api
