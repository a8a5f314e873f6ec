// Settings: read as `settings["keys"][0]["key"].needed_string()`. The first that is wrong is kept, and the operator is
// shown it; from then on the readers return nothing. What is `null` is absent.

#pragma once

#include "document.hpp"

namespace wg {

class Setting {
 public:
  Setting(const Document &document, std::string &error) : document(document), error(error) {}

  Setting operator[](std::string_view name) const {
    return {*this, path.empty() ? std::string(name) : path + "." + std::string(name), pointer + "/" + json::token(name)};
  }
  Setting operator[](size_t index) const {
    std::string number = std::to_string(index);
    return {*this, path + "[" + number + "]", pointer + "/" + number};
  }

  // Says what is wrong with it, as "is not a colour".
  void wrong(std::string_view what) const {
    if (error.empty()) error = "setting `" + path + "`: " + std::string(what);
  }

  // The JSON text of whatever it is.
  std::optional<std::string> json() const { return found(false); }
  std::string needed_json() const { return found(true).value_or(""); }

  std::optional<std::string> string() const { return unquoted(typed(false, json::Type::string, "is not a string")); }
  std::string needed_string() const {
    return unquoted(typed(true, json::Type::string, "is not a string")).value_or("");
  }

  std::optional<uint32_t> integer() const {
    auto text = found(false);
    auto number = text ? json::integer(*text) : std::nullopt;
    if (text && !number) wrong("is not an integer");
    return number;
  }

  std::optional<bool> boolean() const {
    auto text = typed(false, json::Type::boolean, "is not a boolean");
    return text ? std::optional(*text == "true") : std::nullopt;
  }

  // The JSON text of an object.
  std::optional<std::string> object() const { return typed(false, json::Type::object, "is not an object"); }
  std::string needed_object() const { return typed(true, json::Type::object, "is not an object").value_or(""); }

  // The items of an array; a needed one has at least one.
  std::vector<Setting> items() const { return listed(false); }
  std::vector<Setting> needed_items() const { return listed(true); }
  std::vector<std::string> strings() const { return texts(listed(false)); }
  std::vector<std::string> needed_strings() const { return texts(listed(true)); }

 private:
  Setting(const Setting &parent, std::string path, std::string pointer)
      : document(parent.document), error(parent.error), path(std::move(path)), pointer(std::move(pointer)) {}

  std::optional<std::string> found(bool needed) const {
    if (!error.empty()) return std::nullopt;
    auto text = get(document, pointer);
    if (text && (path.ends_with(']') || json::type(*text) != json::Type::null)) return text;
    if (needed) wrong("is missing");
    return std::nullopt;
  }

  std::optional<std::string> typed(bool needed, json::Type type, std::string_view otherwise) const {
    auto text = found(needed);
    if (!text || json::type(*text) == type) return text;
    wrong(otherwise);
    return std::nullopt;
  }

  std::vector<Setting> listed(bool needed) const {
    auto text = typed(needed, json::Type::array, "is not an array");
    size_t count = text ? json::items(*text).size() : 0;
    if (needed && count == 0) wrong("is empty");
    std::vector<Setting> list;
    for (size_t i = 0; i < count; i++) list.push_back((*this)[i]);
    return list;
  }

  static std::optional<std::string> unquoted(std::optional<std::string> text) {
    return text ? std::optional(json::unquoted(*text)) : std::nullopt;
  }

  static std::vector<std::string> texts(const std::vector<Setting> &items) {
    std::vector<std::string> list;
    for (const Setting &item : items) list.push_back(item.needed_string());
    return list;
  }

  const Document &document;
  std::string &error;
  std::string path, pointer;
};

}  // namespace wg
