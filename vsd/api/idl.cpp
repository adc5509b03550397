#include "vsd/api/idl.hpp"

#include "vsd/base/error.hpp"
#include "vsd/base/json.hpp"
#include "vsd/base/names.hpp"

namespace vs::api {
namespace {

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Interface parse() {
    Interface interface;
    expectWord("interface");
    interface.name = word("an interface name");
    while (skipBlank(), at_ < text_.size()) declaration(interface);
    return interface;
  }

 private:
  void declaration(Interface& interface) {
    const std::string kind = word("type, method or error");
    const std::string name = word("a name");
    if (kind == "type") {
      interface.types[name] = structOrEnum();
    } else if (kind == "error") {
      interface.errors[name] = structOrEnum();
    } else if (kind == "method") {
      Method method;
      method.in = structOrEnum();
      expect('-');
      expect('>');
      method.out = structOrEnum();
      interface.methods[name] = std::move(method);
    } else {
      fail("type, method or error");
    }
  }

  TypePtr structOrEnum() {
    auto type = std::make_shared<Type>();
    type->form = Type::Form::Struct;
    expect('(');
    while (!accept(')')) {
      const std::string name = word("a field name");
      if (accept(':')) {
        type->fields.push_back({name, anyType()});
      } else {
        type->form = Type::Form::Enum;
        type->values.push_back(name);
      }
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return type;
  }

  TypePtr anyType() {
    auto type = std::make_shared<Type>();
    if (accept('?')) return wrap(Type::Form::Optional);
    if (accept('[')) {
      if (accept(']')) return wrap(Type::Form::Array);
      expectWord("string");
      expect(']');
      return wrap(Type::Form::Map);
    }
    skipBlank();
    if (at_ < text_.size() && text_[at_] == '(') return structOrEnum();
    const std::string name = word("a type");
    if (name == "bool")
      type->form = Type::Form::Bool;
    else if (name == "int")
      type->form = Type::Form::Int;
    else if (name == "float")
      type->form = Type::Form::Float;
    else if (name == "string")
      type->form = Type::Form::String;
    else if (name == "object")
      type->form = Type::Form::Object;
    else {
      type->form = Type::Form::Named;
      type->name = name;
    }
    return type;
  }

  TypePtr wrap(Type::Form form) {
    auto type = std::make_shared<Type>();
    type->form = form;
    type->element = anyType();
    return type;
  }

  void skipBlank() {
    while (at_ < text_.size()) {
      if (text_[at_] == '#')
        at_ = std::min(text_.find('\n', at_), text_.size());
      else if (std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos)
        ++at_;
      else
        return;
    }
  }

  bool accept(char c) {
    skipBlank();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  void expect(char c) {
    if (!accept(c)) fail(std::string("'") + c + "'");
  }

  void expectWord(std::string_view wanted) {
    if (word(wanted) != wanted) fail(wanted);
  }

  std::string word(std::string_view wanted) {
    skipBlank();
    const std::size_t start = at_;
    while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) != 0 ||
                                  text_[at_] == '_' || text_[at_] == '.'))
      ++at_;
    if (at_ == start) fail(wanted);
    return std::string(text_.substr(start, at_ - start));
  }

  [[noreturn]] void fail(std::string_view wanted) {
    std::size_t line = 1;
    std::size_t column = 1;
    for (std::size_t i = 0; i < at_ && i < text_.size(); ++i) {
      column = text_[i] == '\n' ? 1 : column + 1;
      if (text_[i] == '\n') ++line;
    }
    throw invalid("interface definition: line {}, column {}: {} was expected", line, column,
                  wanted);
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

class Checker {
 public:
  explicit Checker(const Interface& interface) : interface_(interface) {}

  void check(const Type& type, const Json& value, const std::string& path) {
    switch (type.form) {
      case Type::Form::Bool:
        return require(value.is_boolean(), path, "true or false");
      case Type::Form::Int:
        return require(value.is_number_integer(), path, "a whole number");
      case Type::Form::Float:
        return require(value.is_number(), path, "a number");
      case Type::Form::String:
        return require(value.is_string(), path, "a text");
      case Type::Form::Object:
        return require(value.is_object(), path, "an object");
      case Type::Form::Optional:
        if (!value.is_null()) check(*type.element, value, path);
        return;
      case Type::Form::Array:
        return checkArray(type, value, path);
      case Type::Form::Map:
        return checkMap(type, value, path);
      case Type::Form::Struct:
        return checkStruct(type, value, path);
      case Type::Form::Enum:
        return checkEnum(type, value, path);
      case Type::Form::Named:
        return checkNamed(type, value, path);
    }
  }

  std::vector<std::string> found;

 private:
  void require(bool fits, const std::string& path, std::string_view wanted) {
    if (!fits)
      found.push_back(
          fmt::format("{}: {} was expected", path.empty() ? "parameters" : path, wanted));
  }

  void checkArray(const Type& type, const Json& value, const std::string& path) {
    if (!value.is_array()) return require(false, path, "a list");
    for (std::size_t i = 0; i < value.size(); ++i)
      check(*type.element, value[i], fmt::format("{}[{}]", path, i));
  }

  void checkMap(const Type& type, const Json& value, const std::string& path) {
    if (!value.is_object()) return require(false, path, "an object");
    for (const auto& [key, item] : value.items())
      check(*type.element, item, path + "." + printable(key, 40));
  }

  void checkStruct(const Type& type, const Json& value, const std::string& path) {
    if (!value.is_object()) return require(false, path, "an object");
    const std::string prefix = path.empty() ? "" : path + ".";
    for (const Field& field : type.fields) {
      const auto item = value.find(field.name);
      if (item != value.end())
        check(*field.type, *item, prefix + field.name);
      else if (field.type->form != Type::Form::Optional)
        found.push_back(prefix + field.name + ": is missing");
    }
    for (const auto& [key, item] : value.items()) {
      bool known = false;
      for (const Field& field : type.fields) known = known || field.name == key;
      if (!known) found.push_back(prefix + printable(key, 40) + ": is no field of this");
    }
  }

  void checkEnum(const Type& type, const Json& value, const std::string& path) {
    std::string choices;
    for (const std::string& choice : type.values) {
      if (value.is_string() && value.get_ref<const std::string&>() == choice) return;
      choices += (choices.empty() ? "" : ", ") + choice;
    }
    require(false, path, "one of " + choices);
  }

  void checkNamed(const Type& type, const Json& value, const std::string& path) {
    const auto declared = interface_.types.find(type.name);
    if (declared == interface_.types.end())
      return require(false, path, "the undeclared type " + type.name);
    check(*declared->second, value, path);
  }

  const Interface& interface_;
};

}  // namespace

Interface parseInterface(std::string_view text) { return Parser(text).parse(); }

std::vector<std::string> misfits(const Interface& interface, const Type& type, const Json& value) {
  Checker checker(interface);
  checker.check(type, value, "");
  return std::move(checker.found);
}

}  // namespace vs::api
