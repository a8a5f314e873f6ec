// Help for a Witgate plugin in C, over the generated bindings (gen/plugin.h).
//
// You write `configure` and the one function of your kind, which the kind's header declares (as validate.h). The rest is
// here to be called: texts, documents, settings, verdicts.
//
// Memory: everything that the host hands over, and everything that the functions here return, lies in one region. What
// `configure` leaves there stays; what a decision leaves there is taken back when the next one begins. So nothing is
// ever freed, in a fresh instance as in one that is reused. Keep nothing of a decision in a static variable.

#ifndef WITGATE_H
#define WITGATE_H

#include "witgate/settings.h"

// ---- What all kinds share. The meaning of each field is told in gen/plugin.h.

typedef witgate_types_types_call_t wg_call;
typedef witgate_types_types_identity_t wg_identity;
typedef witgate_types_types_claim_t wg_claim;
typedef witgate_types_types_list_claim_t wg_claims;
typedef witgate_types_types_edit_t wg_edit;
typedef witgate_types_types_finding_t wg_finding;
typedef witgate_types_types_list_finding_t wg_findings;
typedef witgate_types_types_refusal_t wg_refusal;

enum {
  WG_UNAUTHENTICATED = WITGATE_TYPES_TYPES_REFUSAL_CODE_UNAUTHENTICATED,
  WG_FORBIDDEN = WITGATE_TYPES_TYPES_REFUSAL_CODE_FORBIDDEN,
  WG_INVALID = WITGATE_TYPES_TYPES_REFUSAL_CODE_INVALID,
  WG_EXHAUSTED = WITGATE_TYPES_TYPES_REFUSAL_CODE_EXHAUSTED,
  WG_UNAVAILABLE = WITGATE_TYPES_TYPES_REFUSAL_CODE_UNAVAILABLE,
};

static inline bool wg_target_is(const wg_call *call, wg_text target) {
  return call->target.is_some && wg_same(call->target.val, target);
}

// A refusal with nothing but a code and a message; set `note`, `retry_after_ms` and `findings` where there are any.
static inline wg_refusal wg_refused(uint8_t code, wg_text message) {
  wg_refusal refusal = {.code = code, .message = message};
  return refusal;
}

// ---- Your function; it is called before the first decision.

void configure(wg_settings *settings);

static inline bool wg_configured(wg_document document, wg_text *error) {
  wg_begin();
  wg_settings settings = {document, WG_NONE};
  configure(&settings);
  witgate_types_types_document_drop_own(document);
  wg_keep();
  *error = settings.error;
  return settings.error.ptr == NULL;
}

#endif
