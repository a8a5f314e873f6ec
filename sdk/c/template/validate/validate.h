// The kind `validate`: decides whether, and with which parameters, a call goes in.

#ifndef WITGATE_VALIDATE_H
#define WITGATE_VALIDATE_H

#include "witgate.h"

typedef exports_witgate_validate_validator_list_edit_t wg_validate_edits_list;
typedef exports_witgate_validate_validator_verdict_t wg_validate_verdict;

// `tool` is NULL where there is none.
wg_validate_verdict validate(const wg_call *call, const wg_identity *identity, const wg_document *tool, wg_document params);

static inline wg_validate_verdict wg_validate_accept(void) {
  return (wg_validate_verdict){.tag = EXPORTS_WITGATE_VALIDATE_VALIDATOR_VERDICT_ACCEPT};
}
static inline wg_validate_verdict wg_validate_edits(wg_validate_edits_list edits) {
  return (wg_validate_verdict){EXPORTS_WITGATE_VALIDATE_VALIDATOR_VERDICT_EDITS, {.edits = edits}};
}
static inline wg_validate_verdict wg_validate_refuse(wg_refusal refusal) {
  return (wg_validate_verdict){EXPORTS_WITGATE_VALIDATE_VALIDATOR_VERDICT_REFUSE, {.refuse = refusal}};
}

WG_SHARED bool exports_witgate_validate_validator_configure(wg_document settings, wg_text *error) {
  return wg_configured(settings, error);
}
WG_SHARED void exports_witgate_validate_validator_validate(wg_call *call, wg_identity *identity, wg_document *tool,
                                                           wg_document params, wg_validate_verdict *verdict) {
  wg_begin();
  *verdict = validate(call, identity, tool, params);
  if (tool != NULL) witgate_types_types_document_drop_own(*tool);
  witgate_types_types_document_drop_own(params);
  wg_answered = true;
}

#endif
