#include "vsd/api/service.hpp"

#include <stdexcept>

#include "vsd/base/error.hpp"
#include "vsd/base/log.hpp"
#include "vsd/base/names.hpp"

namespace vs::api {
namespace {

constexpr std::string_view kServiceDescription = R"(# What every Varlink service tells about itself.
interface org.varlink.service

method GetInfo() -> (vendor: string, product: string, version: string, url: string, interfaces: []string)
method GetInterfaceDescription(interface: string) -> (description: string)

error InterfaceNotFound (interface: string)
error MethodNotFound (method: string)
error MethodNotImplemented (method: string)
error InvalidParameter (parameter: string)
error PermissionDenied ()
error ExpectedMore ()
)";

Json standardError(std::string_view name, Json parameters) {
  return {{"error", "org.varlink.service." + std::string(name)},
          {"parameters", std::move(parameters)}};
}

const Json* find(const Json& parameters, const char* name) {
  const auto found = parameters.find(name);
  return found == parameters.end() || found->is_null() ? nullptr : &*found;
}

}  // namespace

bool Call::flag(const char* name) const {
  const Json* value = find(parameters, name);
  return value != nullptr && value->get<bool>();
}

std::optional<std::string> Call::text(const char* name) const {
  const Json* value = find(parameters, name);
  if (value == nullptr) return std::nullopt;
  return value->get<std::string>();
}

std::optional<std::int64_t> Call::number(const char* name) const {
  const Json* value = find(parameters, name);
  if (value == nullptr) return std::nullopt;
  return value->get<std::int64_t>();
}

std::vector<std::string> Call::texts(const char* name) const {
  const Json* value = find(parameters, name);
  if (value == nullptr) return {};
  return value->get<std::vector<std::string>>();
}

Service::Service(std::string description, std::string version)
    : description_(std::move(description)),
      version_(std::move(version)),
      interface_(parseInterface(description_)) {}

void Service::add(const std::string& method, Handler handler, Pace pace) {
  handlers_[method] = std::move(handler);
  if (pace == Pace::Slow) slow_.insert(interface_.name + "." + method);
}

Pace Service::paceOf(const std::string& fullName) const {
  return slow_.contains(fullName) ? Pace::Slow : Pace::Quick;
}

std::vector<std::string> Service::disagreements() const {
  std::vector<std::string> found;
  for (const auto& [name, method] : interface_.methods)
    if (!handlers_.contains(name)) found.push_back(name + ": declared, but not handled");
  for (const auto& [name, handler] : handlers_)
    if (!interface_.methods.contains(name)) found.push_back(name + ": handled, but not declared");
  return found;
}

Json Service::errorReply(const Error& error, const std::string& operation) const {
  Json parameters{{"message", error.text()}};
  if (!error.hint().empty()) parameters["hint"] = error.hint();
  if (!operation.empty()) parameters["operation"] = operation;
  const bool lists = error.kind() == Kind::InvalidParameter || error.kind() == Kind::Unsupported;
  if (lists && !error.blockers().empty()) parameters["problems"] = error.blockers();
  if (error.kind() == Kind::Failed) {
    if (!error.step().empty()) parameters["step"] = error.step();
    if (error.errnoValue() != 0) parameters["errno"] = error.errnoValue();
  }
  return {{"error", interface_.name + "." + std::string(nameOf(error.kind()))},
          {"parameters", parameters}};
}

Json Service::describeService(const std::string& method, const Json& parameters) const {
  if (method == "GetInfo")
    return {{"parameters",
             {{"vendor", "vsd"},
              {"product", "vsd context isolator"},
              {"version", version_},
              {"url", "file:///usr/share/doc/vsd"},
              {"interfaces", {"org.varlink.service", interface_.name}}}}};
  if (method != "GetInterfaceDescription")
    return standardError("MethodNotFound",
                         {{"method", "org.varlink.service." + printable(method)}});
  const auto wanted = parameters.find("interface");
  if (wanted == parameters.end() || !wanted->is_string())
    return standardError("InvalidParameter", {{"parameter", "interface"}});
  if (*wanted == interface_.name) return {{"parameters", {{"description", description_}}}};
  if (*wanted == "org.varlink.service")
    return {{"parameters", {{"description", kServiceDescription}}}};
  return standardError("InterfaceNotFound", {{"interface", *wanted}});
}

Service::Result Service::handle(const std::string& fullName, Call& call) const {
  Result result;
  const std::size_t dot = fullName.rfind('.');
  const std::string interface = dot == std::string::npos ? "" : fullName.substr(0, dot);
  call.method = fullName.substr(dot == std::string::npos ? 0 : dot + 1);
  if (interface == "org.varlink.service") {
    result.reply = describeService(call.method, call.parameters);
    return result;
  }
  const auto method = interface_.methods.find(call.method);
  const auto handler = handlers_.find(call.method);
  if (interface != interface_.name) {
    result.reply = standardError("InterfaceNotFound", {{"interface", printable(interface)}});
    return result;
  }
  if (method == interface_.methods.end() || handler == handlers_.end()) {
    result.reply = standardError("MethodNotFound", {{"method", printable(fullName)}});
    return result;
  }
  try {
    std::vector<std::string> problems = misfits(interface_, *method->second.in, call.parameters);
    if (!problems.empty())
      throw invalid("{}: {}", call.method, problems[0])
          .withBlockers(problems)
          .withHint("see the interface with GetInterfaceDescription");
    Outcome outcome = handler->second(call);
    if (auto* answer = std::get_if<Answer>(&outcome)) {
      result.reply = Json{{"parameters", std::move(answer->parameters)}};
      result.fds = std::move(answer->fds);
    } else if (auto* watch = std::get_if<Watch>(&outcome)) {
      result.watch = std::move(*watch);
    } else {
      result.follow = std::move(std::get<Follow>(outcome));
    }
  } catch (const Error& error) {
    result.reply = errorReply(error);
  } catch (const std::exception& error) {
    log::error("{}: {}", call.method, error.what());
    result.reply = errorReply(failed("{}: {}", call.method, error.what()));
  }
  return result;
}

void Service::checkReply(const std::string& method, const Json& parameters) const {
  const std::vector<std::string> problems =
      misfits(interface_, *interface_.methods.at(method).out, parameters);
  if (!problems.empty())
    throw std::logic_error("the reply of " + method + " does not fit: " + problems[0]);
}

}  // namespace vs::api
