// Documents: JSON that the host holds; only what is asked for is copied.

#pragma once

#include "plugin_cpp.h"

#include "json.hpp"

namespace wg {

using Document = ::witgate::types::types::Document;

// The JSON text at a pointer.
inline std::optional<std::string> get(const Document &document, std::string_view pointer) {
  auto json = document.Get(pointer);
  return json ? std::optional(json->to_string()) : std::nullopt;
}

// The string at a pointer, if there is one.
inline std::optional<std::string> get_string(const Document &document, std::string_view pointer) {
  auto json = document.Get(pointer);
  if (!json || json::type(json->get_view()) != json::Type::string) return std::nullopt;
  return json::unquoted(json->get_view());
}

}  // namespace wg
