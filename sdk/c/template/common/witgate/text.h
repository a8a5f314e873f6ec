// Texts: UTF-8 with a length, no zero at the end. One whose `ptr` is NULL is none.

#ifndef WITGATE_TEXT_H
#define WITGATE_TEXT_H

#include <stdarg.h>
#include "memory.h"
#include "plugin.h"

typedef plugin_string_t wg_text;
typedef plugin_option_string_t wg_option_text;
typedef plugin_option_u32_t wg_option_u32;
typedef plugin_list_string_t wg_texts;

// A text of a literal.
#define WG(literal) ((wg_text){(uint8_t *)(literal), sizeof(literal) - 1})
#define WG_NONE ((wg_text){NULL, 0})

// Appends to a list of the bindings, as `wg_push(&findings, (wg_finding){pointer, message})`.
#define wg_push(list, ...) \
  ((list)->ptr = wg_longer((list)->ptr, (list)->len, sizeof *(list)->ptr), (list)->ptr[(list)->len++] = (__VA_ARGS__))

// Lists have room for a power of two.
static inline void *wg_longer(void *list, size_t len, size_t size) {
  if ((len & (len - 1)) != 0) return list;
  void *longer = wg_room(len == 0 ? 1 : 2 * len, size);
  return len == 0 ? longer : memcpy(longer, list, len * size);
}

static inline bool wg_same(wg_text a, wg_text b) { return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0; }

// The same in a time that tells only whether the lengths agree: for keys and other secrets.
static inline bool wg_same_secret(wg_text a, wg_text b) {
  uint8_t differs = a.len != b.len;
  for (size_t i = 0; i < b.len && a.len == b.len; i++) differs |= a.ptr[i] ^ b.ptr[i];
  return differs == 0;
}

static inline bool wg_contains(wg_text text, wg_text part) {
  for (size_t i = 0; i + part.len <= text.len; i++)
    if (memcmp(text.ptr + i, part.ptr, part.len) == 0) return true;
  return false;
}

static inline wg_text wg_or(wg_text text, wg_text otherwise) { return text.ptr != NULL ? text : otherwise; }
static inline wg_option_text wg_some(wg_text text) { return (wg_option_text){text.ptr != NULL, text}; }
static inline wg_option_u32 wg_some_u32(uint32_t number) { return (wg_option_u32){true, number}; }

// Measures as long as `into` has no `ptr`, writes when it has.
static inline void wg_put(wg_text *into, const void *bytes, size_t n) {
  if (into->ptr != NULL && n != 0) memcpy(into->ptr + into->len, bytes, n);
  into->len += n;
}

static inline void wg_put_u32(wg_text *into, uint32_t number) {
  uint8_t digits[10];
  size_t at = sizeof digits;
  do digits[--at] = (uint8_t)('0' + number % 10);
  while ((number /= 10) != 0);
  wg_put(into, digits + at, sizeof digits - at);
}

static inline void wg_put_format(wg_text *into, const char *format, va_list given) {
  for (const char *at = format; *at != 0; at++) {
    if (*at != '%') {
      wg_put(into, at, 1);
    } else if (*++at == 't') {
      wg_text text = va_arg(given, wg_text);
      wg_put(into, text.ptr, text.len);
    } else if (*at == 'u') {
      wg_put_u32(into, va_arg(given, uint32_t));
    } else if (*at == 's') {
      const char *text = va_arg(given, const char *);
      wg_put(into, text, strlen(text));
    } else {
      wg_put(into, "%", 1);
    }
  }
}

static inline wg_text wg_vformat(const char *format, va_list given) {
  wg_text text = {NULL, 0};
  va_list again;
  va_copy(again, given);
  wg_put_format(&text, format, again);
  va_end(again);
  text = (wg_text){wg_new(uint8_t, text.len), 0};
  wg_put_format(&text, format, given);
  return text;
}

// A text of parts: `%t` is a `wg_text`, `%s` a `char *`, `%u` a `uint32_t`, `%%` a percent sign.
static inline wg_text wg_format(const char *format, ...) {
  va_list given;
  va_start(given, format);
  wg_text text = wg_vformat(format, given);
  va_end(given);
  return text;
}

// The text with each `what` written as `with`.
static inline wg_text wg_replaced(wg_text text, wg_text what, wg_text with) {
  wg_text out = {NULL, 0};
  for (int pass = 0; pass < 2; pass++) {
    if (pass == 1) out = (wg_text){wg_new(uint8_t, out.len), 0};
    for (size_t i = 0; i < text.len;) {
      bool here = i + what.len <= text.len && memcmp(text.ptr + i, what.ptr, what.len) == 0;
      wg_put(&out, here ? with.ptr : text.ptr + i, here ? with.len : 1);
      i += here ? what.len : 1;
    }
  }
  return out;
}

#endif
