// JSON text, as documents give it: it was checked by the host, so these only find their way.

#ifndef WITGATE_JSON_H
#define WITGATE_JSON_H

#include "text.h"

// What a JSON text is: 's' string, 'n' number, 'b' boolean, 'a' array, 'o' object, '0' null.
static inline char wg_type(wg_text json) {
  switch (json.len == 0 ? 0 : json.ptr[0]) {
    case '"': return 's';
    case '[': return 'a';
    case '{': return 'o';
    case 't': case 'f': return 'b';
    case 'n': case 0: return '0';
    default: return 'n';
  }
}

static inline void wg_put_scalar(wg_text *into, uint32_t c) {
  uint8_t four[4] = {(uint8_t)(0xf0 | c >> 18), (uint8_t)(0x80 | (c >> 12 & 63)), (uint8_t)(0x80 | (c >> 6 & 63)),
                     (uint8_t)(0x80 | (c & 63))};
  if (c < 0x80) four[3] = (uint8_t)c;
  else if (c < 0x800) four[2] = (uint8_t)(0xc0 | c >> 6);
  else if (c < 0x10000) four[1] = (uint8_t)(0xe0 | c >> 12);
  size_t from = c < 0x80 ? 3 : c < 0x800 ? 2 : c < 0x10000 ? 1 : 0;
  wg_put(into, four + from, 4 - from);
}

static inline uint32_t wg_hex4(const uint8_t *at) {
  uint32_t value = 0;
  for (int i = 0; i < 4; i++) value = value << 4 | (uint32_t)(at[i] <= '9' ? at[i] - '0' : (at[i] | 32) - 'a' + 10);
  return value;
}

// The text that a JSON string stands for; half of a surrogate pair becomes U+FFFD.
static inline wg_text wg_unquoted(wg_text json) {
  wg_text out = {wg_new(uint8_t, json.len), 0}; // No escape is shorter than what it stands for.
  for (size_t i = 1; i + 1 < json.len; i++) {
    if (json.ptr[i] != '\\') {
      wg_put(&out, json.ptr + i, 1);
      continue;
    }
    uint8_t c = json.ptr[++i];
    if (c != 'u') {
      uint8_t plain = c == 'b' ? '\b' : c == 'f' ? '\f' : c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c;
      wg_put(&out, &plain, 1);
      continue;
    }
    uint32_t scalar = wg_hex4(json.ptr + i + 1);
    i += 4;
    bool pair = scalar >> 10 == 0x36 && json.ptr[i + 1] == '\\' && json.ptr[i + 2] == 'u';
    uint32_t low = pair ? wg_hex4(json.ptr + i + 3) : 0;
    if (low >> 10 == 0x37) {
      scalar = 0x10000 + ((scalar & 0x3ff) << 10 | (low & 0x3ff));
      i += 6;
    }
    wg_put_scalar(&out, scalar >> 11 == 0x1b ? 0xfffd : scalar);
  }
  return out;
}

// The JSON string that stands for a text.
static inline wg_text wg_quoted(wg_text text) {
  wg_text out = {NULL, 0};
  for (int pass = 0; pass < 2; pass++) {
    if (pass == 1) out = (wg_text){wg_new(uint8_t, out.len), 0};
    wg_put(&out, "\"", 1);
    for (size_t i = 0; i < text.len; i++) {
      uint8_t c = text.ptr[i];
      const uint8_t letter = c == '\b' ? 'b' : c == '\f' ? 'f' : c == '\n' ? 'n' : c == '\r' ? 'r' : c == '\t' ? 't' : 0;
      uint8_t escape[6] = {'\\', 'u', '0', '0', (uint8_t)('0' + (c >> 4)), (uint8_t)"0123456789abcdef"[c & 15]};
      if (letter != 0) wg_put(&out, (uint8_t[2]){'\\', letter}, 2);
      else if (c < 0x20) wg_put(&out, escape, 6);
      else if (c == '"' || c == '\\') wg_put(&out, (uint8_t[2]){'\\', c}, 2);
      else wg_put(&out, &c, 1);
    }
    wg_put(&out, "\"", 1);
  }
  return out;
}

// A JSON integer of 32 bits, without a sign.
static inline bool wg_integer(wg_text json, uint32_t *number) {
  uint64_t value = 0;
  for (size_t i = 0; i < json.len; i++) {
    if (json.ptr[i] < '0' || json.ptr[i] > '9' || i == 10) return false;
    value = value * 10 + (uint64_t)(json.ptr[i] - '0');
  }
  *number = (uint32_t)value;
  return json.len != 0 && value <= UINT32_MAX;
}

// A name as a token of a pointer (RFC 6901).
static inline wg_text wg_token(wg_text name) {
  return wg_replaced(wg_replaced(name, WG("~"), WG("~0")), WG("/"), WG("~1"));
}

// One after another, the values of an array or of an object; begin with `{json, 0}`.
typedef struct {
  wg_text json;
  size_t at;
} wg_cursor;

static inline size_t wg_blank(wg_text json, size_t at) {
  while (at < json.len && (json.ptr[at] == ' ' || json.ptr[at] == '\t' || json.ptr[at] == '\n' || json.ptr[at] == '\r')) at++;
  return at;
}

static inline size_t wg_value_end(wg_text json, size_t at) {
  size_t depth = 0;
  for (; at < json.len; at++) {
    uint8_t c = json.ptr[at];
    if (c == '"') {
      for (at++; json.ptr[at] != '"'; at++) at += json.ptr[at] == '\\';
      if (depth == 0) return at + 1;
    } else if (c == '[' || c == '{') {
      depth++;
    } else if (c == ']' || c == '}') {
      if (depth == 0) return at;
      if (--depth == 0) return at + 1;
    } else if (depth == 0 && (c == ',' || c == ':' || wg_blank(json, at) != at)) {
      return at;
    }
  }
  return at;
}

static inline wg_text wg_step(wg_cursor *cursor) {
  size_t from = wg_blank(cursor->json, cursor->at), end = wg_value_end(cursor->json, from);
  cursor->at = wg_blank(cursor->json, end);
  return (wg_text){cursor->json.ptr + from, end - from};
}

// The next value, and of an object its name as a JSON string.
static inline bool wg_next(wg_cursor *cursor, wg_text *name, wg_text *value) {
  cursor->at++; // The bracket before the first, the comma or the bracket after each other.
  *value = wg_step(cursor);
  if (value->len == 0) return false;
  if (cursor->json.ptr[0] != '{') return true;
  *name = *value;
  cursor->at++;
  *value = wg_step(cursor);
  return true;
}

static inline uint32_t wg_count(wg_text json) {
  wg_cursor cursor = {json, 0};
  wg_text name, value;
  uint32_t count = 0;
  while (wg_next(&cursor, &name, &value)) count++;
  return count;
}

// The value at a pointer within a JSON text that you keep; of a document, ask the host with `wg_get`.
static inline bool wg_find(wg_text json, wg_text pointer, wg_text *found) {
  wg_cursor whole = {json, 0};
  *found = wg_step(&whole);
  while (pointer.len != 0) {
    size_t end = 1;
    while (end < pointer.len && pointer.ptr[end] != '/') end++;
    wg_text token = {pointer.ptr + 1, end - 1}, name = WG_NONE, value;
    pointer = (wg_text){pointer.ptr + end, pointer.len - end};
    bool object = wg_type(*found) == 'o', here = false;
    if (!object && wg_type(*found) != 'a') return false;
    wg_cursor cursor = {*found, 0};
    for (uint32_t i = 0; !here && wg_next(&cursor, &name, &value); i++)
      here = wg_same(token, object ? wg_token(wg_unquoted(name)) : wg_format("%u", i));
    if (!here) return false;
    *found = value;
  }
  return true;
}

#endif
