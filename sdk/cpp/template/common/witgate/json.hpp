// JSON text, as documents give it: it was checked by the host, so these only find their way.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wg::json {

enum class Type { null, boolean, number, string, array, object };

inline Type type(std::string_view json) {
  switch (json.empty() ? 'n' : json.front()) {
    case '"': return Type::string;
    case '[': return Type::array;
    case '{': return Type::object;
    case 't': case 'f': return Type::boolean;
    case 'n': return Type::null;
    default: return Type::number;
  }
}

// A JSON integer of 32 bits, without a sign.
inline std::optional<uint32_t> integer(std::string_view json) {
  uint64_t value = 0;
  if (json.empty() || json.size() > 10) return std::nullopt;
  for (char c : json) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<uint64_t>(c - '0');
  }
  if (value > UINT32_MAX) return std::nullopt;
  return static_cast<uint32_t>(value);
}

inline void put_scalar(std::string &out, uint32_t c) {
  auto put = [&out](uint32_t byte) { out += static_cast<char>(byte); };
  if (c < 0x80) return put(c);
  if (c < 0x800) {
    put(0xc0 | c >> 6);
  } else {
    if (c < 0x10000) {
      put(0xe0 | c >> 12);
    } else {
      put(0xf0 | c >> 18);
      put(0x80 | (c >> 12 & 63));
    }
    put(0x80 | (c >> 6 & 63));
  }
  put(0x80 | (c & 63));
}

inline uint32_t hex4(std::string_view digits) {
  uint32_t value = 0;
  for (char c : digits.substr(0, 4)) value = value << 4 | static_cast<uint32_t>(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
  return value;
}

// The text that a JSON string stands for; half of a surrogate pair becomes U+FFFD.
inline std::string unquoted(std::string_view json) {
  std::string out;
  if (json.size() < 2) return out;
  json = json.substr(1, json.size() - 2);
  for (size_t i = 0; i < json.size(); i++) {
    if (json[i] != '\\') {
      out += json[i];
      continue;
    }
    char c = json[++i];
    if (c != 'u') {
      out += c == 'b' ? '\b' : c == 'f' ? '\f' : c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c;
      continue;
    }
    uint32_t scalar = hex4(json.substr(i + 1));
    i += 4;
    bool pair = scalar >> 10 == 0x36 && json.substr(i + 1).starts_with("\\u");
    uint32_t low = pair ? hex4(json.substr(i + 3)) : 0;
    if (low >> 10 == 0x37) {
      scalar = 0x10000 + ((scalar & 0x3ff) << 10 | (low & 0x3ff));
      i += 6;
    }
    put_scalar(out, scalar >> 11 == 0x1b ? 0xfffd : scalar);
  }
  return out;
}

// The JSON string that stands for a text.
inline std::string quoted(std::string_view text) {
  constexpr std::string_view controls = "\b\f\n\r\t", letters = "bfnrt", digits = "0123456789abcdef";
  std::string out = "\"";
  for (char c : text) {
    size_t short_form = controls.find(c);
    if (short_form != controls.npos) {
      (out += '\\') += letters[short_form];
    } else if (static_cast<unsigned char>(c) < 0x20) {
      ((out += "\\u00") += digits[static_cast<unsigned char>(c) >> 4]) += digits[c & 15];
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  return out += '"';
}

inline std::string replaced(std::string_view text, std::string_view what, std::string_view with) {
  std::string out;
  for (size_t at = text.find(what); at != text.npos; at = text.find(what)) {
    (out += text.substr(0, at)) += with;
    text.remove_prefix(at + what.size());
  }
  return out += text;
}

// A name as a token of a pointer (RFC 6901).
inline std::string token(std::string_view name) { return replaced(replaced(name, "~", "~0"), "/", "~1"); }

// A value of an array, or of an object with its name as a JSON string.
struct Item {
  std::string_view name, value;
};

inline size_t blank(std::string_view json, size_t at) {
  size_t next = json.find_first_not_of(" \t\r\n", at);
  return next == json.npos ? json.size() : next;
}

inline size_t value_end(std::string_view json, size_t at) {
  size_t depth = 0;
  for (; at < json.size(); at++) {
    char c = json[at];
    if (c == '"') {
      for (at++; at < json.size() && json[at] != '"'; at++) at += json[at] == '\\';
      if (depth == 0) return at + 1;
    } else if (c == '[' || c == '{') {
      depth++;
    } else if (c == ']' || c == '}') {
      if (depth == 0) return at;
      if (--depth == 0) return at + 1;
    } else if (depth == 0 && std::string_view(",: \t\r\n").contains(c)) {
      return at;
    }
  }
  return at;
}

// What is in an array or an object.
inline std::vector<Item> items(std::string_view json) {
  std::vector<Item> found;
  size_t at = 0;
  auto step = [&] {
    size_t from = blank(json, at + 1), end = value_end(json, from);
    at = blank(json, end);
    return json.substr(from, end - from);
  };
  while (at < json.size()) {
    std::string_view first = step();
    if (first.empty()) break;
    if (json.front() == '{') found.push_back({first, step()});
    else found.push_back({{}, first});
  }
  return found;
}

// A member of an object that you keep the text of; of a document, ask the host.
inline std::optional<std::string_view> member(std::string_view json, std::string_view name) {
  for (const Item &item : items(json))
    if (unquoted(item.name) == name) return item.value;
  return std::nullopt;
}

}  // namespace wg::json
