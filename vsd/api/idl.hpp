// The Varlink interface definition language: parses io.vsd.varlink and holds values against it. The
// file is the contract: calls that do not fit it are refused before any handler sees them, and
// tests hold every handler's reply against it.
//
// Grammar: https://varlink.org/Interface-Definition. Types: bool int float string object, ?T, []T,
// [string]T, structs (a: T, b: U), enums (a, b), names of `type` declarations.
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace vs::api {

struct Type;
using TypePtr = std::shared_ptr<const Type>;

struct Field {
  std::string name;
  TypePtr type;
};

struct Type {
  enum class Form { Bool, Int, Float, String, Object, Optional, Array, Map, Struct, Enum, Named };
  Form form = Form::Object;
  TypePtr element;                  // Optional, Array, Map
  std::vector<Field> fields;        // Struct
  std::vector<std::string> values;  // Enum
  std::string name;                 // Named
};

struct Method {
  TypePtr in;
  TypePtr out;
};

struct Interface {
  std::string name;
  std::map<std::string, TypePtr> types;
  std::map<std::string, Method> methods;
  std::map<std::string, TypePtr> errors;
};

// Throws InvalidParameter with line and column.
Interface parseInterface(std::string_view text);

// What does not fit, as "limits.memory: an int was expected"; empty when all fits. Unknown fields
// of a struct are misfits too; an absent field is one unless it is optional.
std::vector<std::string> misfits(const Interface& interface, const Type& type,
                                 const nlohmann::json& value);

}  // namespace vs::api
