// For tests that run without a host: documents that are texts, counters in memory, and checks. Include it in the one file
// of a test, which includes the policy itself.

#ifndef WITGATE_FAKE_H
#define WITGATE_FAKE_H

#include <stdio.h>

#include "witgate.h"

static const char *fake_texts[64];
static int32_t fake_count;
static int fake_failures;

static wg_text fake_text(const char *text) { return (wg_text){(uint8_t *)text, strlen(text)}; }

static wg_document fake_document(const char *json) {
  if (fake_count == 64) abort();
  fake_texts[fake_count] = json;
  return (wg_document){++fake_count};
}

uint32_t witgate_types_types_method_document_size(witgate_types_types_borrow_document_t document) {
  return (uint32_t)strlen(fake_texts[document.__handle - 1]);
}
void witgate_types_types_method_document_text(witgate_types_types_borrow_document_t document, plugin_string_t *text) {
  *text = fake_text(fake_texts[document.__handle - 1]);
}
bool witgate_types_types_method_document_get(witgate_types_types_borrow_document_t document, plugin_string_t *pointer,
                                             plugin_string_t *json) {
  return wg_find(fake_text(fake_texts[document.__handle - 1]), *pointer, json);
}
void witgate_types_types_document_drop_own(wg_document document) { (void)document; }

#ifdef WITGATE_COUNTER_COUNTER_COUNTER_ERROR_QUOTA // The world imports the counter.

// Time passes when a test adds to `fake_now_ms`; nothing counts while `fake_counters_down`.
static uint64_t fake_now_ms;
static bool fake_counters_down;
static struct fake_counter {
  wg_text key;
  uint32_t value;
  uint64_t gone_at_ms;
} fake_counters[64];
static size_t fake_counter_count;

static inline void fake_forget(void) { fake_counter_count = 0; }

static struct fake_counter *fake_counter(wg_text key) {
  for (size_t i = 0; i < fake_counter_count; i++)
    if (wg_same(fake_counters[i].key, key)) return &fake_counters[i];
  return NULL;
}

static witgate_counter_counter_reading_t fake_reading(const struct fake_counter *counter) {
  return (witgate_counter_counter_reading_t){counter->value, (uint32_t)(counter->gone_at_ms - fake_now_ms)};
}

bool witgate_counter_counter_add(plugin_string_t *key, uint32_t amount, uint32_t expires_in_ms,
                                 witgate_counter_counter_reading_t *reading,
                                 witgate_counter_counter_counter_error_t *error) {
  struct fake_counter *counter = fake_counter(*key);
  *error = WITGATE_COUNTER_COUNTER_COUNTER_ERROR_UNAVAILABLE;
  if (fake_counters_down) return false;
  *error = WITGATE_COUNTER_COUNTER_COUNTER_ERROR_QUOTA;
  if (counter == NULL && fake_counter_count == 64) return false;
  if (counter == NULL) {
    counter = &fake_counters[fake_counter_count++];
    *counter = (struct fake_counter){.key = wg_format("%t", *key)};
  }
  if (counter->gone_at_ms <= fake_now_ms) {
    counter->value = 0;
    counter->gone_at_ms = fake_now_ms + expires_in_ms;
  }
  counter->value = amount > UINT32_MAX - counter->value ? UINT32_MAX : counter->value + amount;
  *reading = fake_reading(counter);
  return true;
}

bool witgate_counter_counter_read(plugin_string_t *key, witgate_counter_counter_option_reading_t *reading,
                                  witgate_counter_counter_counter_error_t *error) {
  *error = WITGATE_COUNTER_COUNTER_COUNTER_ERROR_UNAVAILABLE;
  if (fake_counters_down) return false;
  const struct fake_counter *counter = fake_counter(*key);
  reading->is_some = counter != NULL && counter->gone_at_ms > fake_now_ms;
  if (reading->is_some) reading->val = fake_reading(counter);
  return true;
}

#endif

// What `configure` says of settings: nothing when they are good.
static inline wg_text fake_configure(const char *settings) {
  wg_text error;
  return wg_configured(fake_document(settings), &error) ? WG("") : error;
}

#define CHECK(what) fake_check((what), #what, __LINE__)
#define CHECK_TEXT(text, expected) fake_check(wg_same((text), WG(expected)), #text " is " #expected, __LINE__)

static inline void fake_check(bool holds, const char *what, int line) {
  if (!holds) printf("test.c:%d: not true: %s\n", line, what);
  fake_failures += !holds;
}

static inline int fake_result(void) {
  printf(fake_failures == 0 ? "all well\n" : "%d failed\n", fake_failures);
  return fake_failures != 0;
}

#endif
