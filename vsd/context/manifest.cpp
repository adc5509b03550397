#include "vsd/context/manifest.hpp"

#include <algorithm>
#include <array>

#include "vsd/base/error.hpp"
#include "vsd/base/json.hpp"
#include "vsd/base/names.hpp"

namespace vs {
namespace {

constexpr std::array<std::string_view, 6> kFields{"definition", "snapshot", "exported",
                                                  "host",       "size",     "sizes"};
constexpr std::array<std::string_view, 4> kSizes{"entries", "bytes", "disk", "largest"};

void mustKnow(const Json& json, auto& fields, std::string_view what) {
  if (!json.is_object()) throw invalid("{} is no object", what);
  for (const auto& [key, value] : json.items())
    if (std::ranges::find(fields, key) == fields.end())
      throw invalid("{} has the unknown field '{}'", what, printable(key));
}

std::string textAt(const Json& json, const char* field) {
  const auto found = json.find(field);
  if (found == json.end() || !found->is_string())
    throw invalid("the archive's manifest has no text '{}'", field);
  return printable(found->get<std::string>());
}

std::uint64_t numberAt(const Json& json, const char* field) {
  const auto found = json.find(field);
  if (found == json.end() || !found->is_number_unsigned())
    throw invalid("the archive's manifest has no number '{}'", field);
  return found->get<std::uint64_t>();
}

}  // namespace

std::string encodeManifest(const Manifest& manifest) {
  const TreeSizes& sizes = manifest.sizes;
  Json json{{"definition", toJson(manifest.definition)},
            {"snapshot", manifest.snapshot},
            {"exported", manifest.exported},
            {"host", manifest.host},
            {"sizes",
             {{"entries", sizes.entries},
              {"bytes", sizes.bytes.value},
              {"disk", sizes.disk.value},
              {"largest", sizes.largest.value}}}};
  if (manifest.size) json["size"] = manifest.size->value;
  return json.dump(2) + "\n";
}

Manifest decodeManifest(std::string_view text) {
  const Json json = parseJson(text, "the archive's manifest");
  mustKnow(json, kFields, "the archive's manifest");
  Manifest manifest;
  manifest.definition = definitionFrom(json.value("definition", Json()));
  manifest.snapshot = textAt(json, "snapshot");
  manifest.exported = textAt(json, "exported");
  manifest.host = textAt(json, "host");
  if (json.contains("size")) manifest.size = Bytes{numberAt(json, "size")};
  const Json sizes = json.value("sizes", Json());
  mustKnow(sizes, kSizes, "'sizes' of the archive's manifest");
  manifest.sizes = {numberAt(sizes, "entries"),
                    {numberAt(sizes, "bytes")},
                    {numberAt(sizes, "disk")},
                    {numberAt(sizes, "largest")}};
  if (manifest.sizes.disk < manifest.sizes.bytes)
    throw invalid("the sizes in the archive's manifest contradict each other");
  return manifest;
}

}  // namespace vs
