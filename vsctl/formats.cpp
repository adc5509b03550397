#include "vsctl/formats.hpp"

#include <algorithm>

#include "vsd/api/client.hpp"

namespace vs::ctl {
namespace {

std::string dump(const Json& value, int indent) {
  return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

// Text that means the same without quotes: no indicator characters, and no word or number that YAML
// would take for something else.
bool isPlainYaml(const std::string& text) {
  constexpr std::string_view kSafe =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./@-";
  if (text.empty() || text.find_first_not_of(kSafe) != std::string::npos) return false;
  const char first = text.front();
  if (!((first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z') || first == '/'))
    return false;
  for (const char* word : {"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
    if (std::ranges::equal(text, std::string_view(word), {},
                           [](char c) { return std::tolower(c); }))
      return false;
  return true;
}

std::string yamlScalar(const Json& value) {
  if (value.is_string() && isPlainYaml(value.get_ref<const std::string&>()))
    return value.get<std::string>();
  return dump(value, -1);  // a JSON scalar or empty collection is YAML too
}

bool isNested(const Json& value) { return value.is_structured() && !value.empty(); }

void addYaml(std::string& out, const Json& value, std::size_t depth);

// What follows "key:" or "-": a scalar on the same line, or a block below.
void addYamlMember(std::string& out, const Json& value, std::size_t depth) {
  if (!isNested(value)) {
    out += " " + yamlScalar(value) + "\n";
    return;
  }
  out += "\n";
  addYaml(out, value, depth);
}

void addYaml(std::string& out, const Json& value, std::size_t depth) {
  const std::string margin(depth * 2, ' ');
  for (const auto& [key, member] : value.items()) {
    if (value.is_object()) {
      out += margin + yamlScalar(key) + ":";
      addYamlMember(out, member, depth + 1);
    } else if (isNested(member)) {
      // "- " takes the place of the first line's indentation.
      std::string block;
      addYaml(block, member, depth + 1);
      out += margin + "- " + block.substr(margin.size() + 2);
    } else {
      out += margin + "- " + yamlScalar(member) + "\n";
    }
  }
}

}  // namespace

std::string jsonDocument(std::string_view kind, const Json& items) {
  std::string list;
  for (const char c : dump(items, 2)) {
    list += c;
    if (c == '\n') list += "  ";
  }
  return fmt::format("{{\n  \"api\": {},\n  \"kind\": \"{}\",\n  \"items\": {}\n}}\n",
                     kEnvelopeVersion, kind, list);
}

std::string yamlDocument(std::string_view kind, const Json& items) {
  std::string out = fmt::format("api: {}\nkind: {}\nitems:", kEnvelopeVersion, kind);
  addYamlMember(out, items, 1);
  return out;
}

std::string jsonError(const Error& error, std::string_view object) {
  Json json = {{"api", kEnvelopeVersion},
               {"kind", "Error"},
               {"code", nameOf(error.kind())},
               {"message", error.text()}};
  if (!object.empty()) json["object"] = object;
  if (!error.step().empty()) json["step"] = error.step();
  if (error.errnoValue() != 0) json["errno"] = error.errnoValue();
  if (!error.hint().empty()) json["hint"] = error.hint();
  if (!error.blockers().empty()) json["blockers"] = error.blockers();
  if (const auto* call = dynamic_cast<const api::CallError*>(&error))
    if (!call->operation().empty()) json["operation"] = call->operation();
  return dump(json, -1) + "\n";
}

}  // namespace vs::ctl
