// Settings: read by paths as `keys[0].key`. The first that is wrong is kept in `error`, which the operator is shown;
// from then on the readers return nothing. Paths are formats, as in `wg_format`. What is `null` is absent.

#ifndef WITGATE_SETTINGS_H
#define WITGATE_SETTINGS_H

#include "document.h"

typedef struct {
  wg_document document;
  wg_text error;
} wg_settings;

static inline void wg_wrong_at(wg_settings *settings, wg_text path, const char *what) {
  if (settings->error.ptr == NULL) settings->error = wg_format("setting `%t`: %s", path, what);
}

// Says what is wrong with a setting, as `wg_wrong(settings, "is not a colour", "rules[%u].colour", i)`.
static inline void wg_wrong(wg_settings *settings, const char *what, const char *path, ...) {
  va_list given;
  va_start(given, path);
  wg_wrong_at(settings, wg_vformat(path, given), what);
  va_end(given);
}

static inline wg_text wg_setting(wg_settings *settings, wg_text path, bool needed) {
  wg_text json, pointer = wg_replaced(wg_replaced(path, WG("."), WG("/")), WG("["), WG("/"));
  bool item = path.ptr[path.len - 1] == ']';
  if (settings->error.ptr != NULL) return WG_NONE;
  pointer = wg_format("/%t", wg_replaced(pointer, WG("]"), WG("")));
  if (wg_get(settings->document, pointer, &json) && (item || wg_type(json) != '0')) return json;
  if (needed) wg_wrong_at(settings, path, "is missing");
  return WG_NONE;
}

static inline wg_text wg_typed(wg_settings *settings, wg_text path, bool needed, char type, const char *wrong) {
  wg_text json = wg_setting(settings, path, needed);
  if (json.ptr == NULL || wg_type(json) == type) return json;
  wg_wrong_at(settings, path, wrong);
  return WG_NONE;
}

static inline wg_texts wg_strings(wg_settings *settings, wg_text path, bool needed) {
  wg_texts list = {NULL, 0};
  wg_text json = wg_typed(settings, path, needed, 'a', "is not an array");
  uint32_t count = json.ptr == NULL ? 0 : wg_count(json);
  if (needed && count == 0) wg_wrong_at(settings, path, "is empty");
  for (uint32_t i = 0; i < count; i++) {
    wg_text item = wg_typed(settings, wg_format("%t[%u]", path, i), true, 's', "is not a string");
    if (item.ptr != NULL) wg_push(&list, wg_unquoted(item));
  }
  return list;
}

#define WG_PATH(settings_path)                                  \
  va_list wg_given;                                             \
  va_start(wg_given, settings_path);                            \
  wg_text at = wg_vformat(settings_path, wg_given);             \
  va_end(wg_given)

static inline wg_text wg_need_string(wg_settings *settings, const char *path, ...) {
  WG_PATH(path);
  wg_text json = wg_typed(settings, at, true, 's', "is not a string");
  return json.ptr == NULL ? WG("") : wg_unquoted(json);
}

// None when it is absent: see `wg_or`.
static inline wg_text wg_maybe_string(wg_settings *settings, const char *path, ...) {
  WG_PATH(path);
  wg_text json = wg_typed(settings, at, false, 's', "is not a string");
  return json.ptr == NULL ? WG_NONE : wg_unquoted(json);
}

static inline uint32_t wg_maybe_integer(wg_settings *settings, uint32_t otherwise, const char *path, ...) {
  WG_PATH(path);
  wg_text json = wg_setting(settings, at, false);
  if (json.ptr != NULL && !wg_integer(json, &otherwise)) wg_wrong_at(settings, at, "is not an integer");
  return otherwise;
}

static inline bool wg_maybe_boolean(wg_settings *settings, bool otherwise, const char *path, ...) {
  WG_PATH(path);
  wg_text json = wg_typed(settings, at, false, 'b', "is not a boolean");
  return json.ptr == NULL ? otherwise : json.ptr[0] == 't';
}

// How many items it has, at least one.
static inline uint32_t wg_need_array(wg_settings *settings, const char *path, ...) {
  WG_PATH(path);
  wg_text json = wg_typed(settings, at, true, 'a', "is not an array");
  uint32_t count = json.ptr == NULL ? 0 : wg_count(json);
  if (count == 0) wg_wrong_at(settings, at, "is empty");
  return count;
}

// How many items it has; 0 when it is absent.
static inline uint32_t wg_maybe_array(wg_settings *settings, const char *path, ...) {
  WG_PATH(path);
  wg_text json = wg_typed(settings, at, false, 'a', "is not an array");
  return json.ptr == NULL ? 0 : wg_count(json);
}

// Its JSON text.
static inline wg_text wg_need_object(wg_settings *settings, const char *path, ...) {
  WG_PATH(path);
  return wg_typed(settings, at, true, 'o', "is not an object");
}

// Its JSON text; none when it is absent.
static inline wg_text wg_maybe_object(wg_settings *settings, const char *path, ...) {
  WG_PATH(path);
  return wg_typed(settings, at, false, 'o', "is not an object");
}

// The JSON text of whatever it is.
static inline wg_text wg_need_json(wg_settings *settings, const char *path, ...) {
  WG_PATH(path);
  return wg_setting(settings, at, true);
}

// The JSON text of whatever it is; none when it is absent.
static inline wg_text wg_maybe_json(wg_settings *settings, const char *path, ...) {
  WG_PATH(path);
  return wg_setting(settings, at, false);
}

// At least one string.
static inline wg_texts wg_need_strings(wg_settings *settings, const char *path, ...) {
  WG_PATH(path);
  return wg_strings(settings, at, true);
}

// Strings; none at all when it is absent.
static inline wg_texts wg_maybe_strings(wg_settings *settings, const char *path, ...) {
  WG_PATH(path);
  return wg_strings(settings, at, false);
}

#endif
