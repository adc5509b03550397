#include "vsd/api/handlers.hpp"
#include "vsd/base/archive_frame.hpp"
#include "vsd/base/json.hpp"
#include "vsd/ops/export.hpp"
#include "vsd/ops/import.hpp"

namespace vs::api {
namespace {

// A head is there at once, unless the client's pipe is idle.
constexpr Millis kHeadPatience{10'000};

Outcome handleExport(const Host& host, Call& call) {
  const ExportRequest wanted{call.parameters.at("name"), call.text("snapshot").value_or("")};
  std::shared_ptr<Fd> archive;
  if (!call.flag("dryRun")) archive = onlyDescriptor(call, "the export of a context");
  OperationRequest request;
  request.verb = "export";
  request.object = wanted.name;
  request.parameters = Json{{"name", wanted.name}, {"snapshot", wanted.snapshot}}.dump();
  return runChange(host, call,
                   {request, [&host, wanted] { return planExport(host, wanted); },
                    [&host, wanted, archive](Operation& operation) {
                      exportContext(host, wanted, archive->get(), operation);
                    }});
}

Outcome handleImport(const Host& host, Call& call) {
  const ThenStart then = call.flag("start") ? ThenStart::Yes : ThenStart::No;
  const std::shared_ptr<Fd> archive = onlyDescriptor(call, "the import of a context");
  const Import wanted =
      completeImport(host, readHead(archive->get(), kHeadPatience),
                     {call.text("name").value_or(""), call.text("storage").value_or(""),
                      call.text("profile").value_or("")});
  const std::string& name = wanted.definition.name;
  OperationRequest request;
  request.verb = "import";
  request.object = name;
  request.parameters = Json{{"name", name}}.dump();
  return runChange(host, call,
                   {request, [&host, wanted, then] { return planImport(host, wanted, then); },
                    [&host, wanted, archive, then](Operation& operation) {
                      importContext(host, wanted, archive->get(), then, operation);
                    }});
}

}  // namespace

void addArchiveHandlers(Service& service, const Host& host) {
  service.add(
      "Export", [&host](Call& call) { return handleExport(host, call); }, Pace::Slow);
  service.add(
      "Import", [&host](Call& call) { return handleImport(host, call); }, Pace::Slow);
}

}  // namespace vs::api
