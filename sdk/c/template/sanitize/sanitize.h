// The kind `sanitize`: decides what comes out.

#ifndef WITGATE_SANITIZE_H
#define WITGATE_SANITIZE_H

#include "witgate.h"

typedef exports_witgate_sanitize_sanitizer_message_t wg_message;
typedef exports_witgate_sanitize_sanitizer_list_edit_t wg_sanitize_edits_list;
typedef exports_witgate_sanitize_sanitizer_verdict_t wg_sanitize_verdict;

enum {
  WG_RESULT = EXPORTS_WITGATE_SANITIZE_SANITIZER_KIND_RESULT,
  WG_ERROR = EXPORTS_WITGATE_SANITIZE_SANITIZER_KIND_ERROR,
  WG_NOTIFICATION = EXPORTS_WITGATE_SANITIZE_SANITIZER_KIND_NOTIFICATION,
  WG_SERVER_REQUEST = EXPORTS_WITGATE_SANITIZE_SANITIZER_KIND_SERVER_REQUEST,
  WG_LISTING = EXPORTS_WITGATE_SANITIZE_SANITIZER_KIND_LISTING,
  WG_INPUT_REQUIRED = EXPORTS_WITGATE_SANITIZE_SANITIZER_KIND_INPUT_REQUIRED,
};

wg_sanitize_verdict sanitize(const wg_call *call, const wg_identity *identity, const wg_message *message, wg_document payload);

static inline wg_sanitize_verdict wg_sanitize_pass(void) {
  return (wg_sanitize_verdict){.tag = EXPORTS_WITGATE_SANITIZE_SANITIZER_VERDICT_PASS};
}
static inline wg_sanitize_verdict wg_sanitize_edits(wg_sanitize_edits_list edits) {
  return (wg_sanitize_verdict){EXPORTS_WITGATE_SANITIZE_SANITIZER_VERDICT_EDITS, {.edits = edits}};
}
static inline wg_sanitize_verdict wg_sanitize_replace(wg_text json) {
  return (wg_sanitize_verdict){EXPORTS_WITGATE_SANITIZE_SANITIZER_VERDICT_REPLACE, {.replace = json}};
}
static inline wg_sanitize_verdict wg_sanitize_withhold(wg_refusal refusal) {
  return (wg_sanitize_verdict){EXPORTS_WITGATE_SANITIZE_SANITIZER_VERDICT_WITHHOLD, {.withhold = refusal}};
}

WG_SHARED bool exports_witgate_sanitize_sanitizer_configure(wg_document settings, wg_text *error) {
  return wg_configured(settings, error);
}
WG_SHARED void exports_witgate_sanitize_sanitizer_sanitize(wg_call *call, wg_identity *identity, wg_message *message,
                                                           wg_document payload, wg_sanitize_verdict *verdict) {
  wg_begin();
  *verdict = sanitize(call, identity, message, payload);
  witgate_types_types_document_drop_own(payload);
  wg_answered = true;
}

#endif
