// The kind `auth`: decides who is calling.

#ifndef WITGATE_AUTH_H
#define WITGATE_AUTH_H

#include "witgate.h"

typedef exports_witgate_auth_authenticator_header_t wg_auth_header; // `value` is bytes; see `wg_header_text`.
typedef exports_witgate_auth_authenticator_list_header_t wg_auth_headers;
typedef exports_witgate_auth_authenticator_peer_t wg_auth_peer;
typedef exports_witgate_auth_authenticator_challenge_t wg_auth_challenge;
typedef exports_witgate_auth_authenticator_verdict_t wg_auth_verdict;

wg_auth_verdict authenticate(const wg_call *call, wg_auth_headers headers, const wg_auth_peer *peer);

static inline wg_text wg_header_text(const wg_auth_header *header) { return (wg_text){header->value.ptr, header->value.len}; }
static inline wg_auth_verdict wg_auth_allow(wg_identity identity) {
  return (wg_auth_verdict){EXPORTS_WITGATE_AUTH_AUTHENTICATOR_VERDICT_ALLOW, {.allow = identity}};
}
static inline wg_auth_verdict wg_auth_challenged(wg_auth_challenge challenge) {
  return (wg_auth_verdict){EXPORTS_WITGATE_AUTH_AUTHENTICATOR_VERDICT_CHALLENGE, {.challenge = challenge}};
}
static inline wg_auth_verdict wg_auth_deny(wg_refusal refusal) {
  return (wg_auth_verdict){EXPORTS_WITGATE_AUTH_AUTHENTICATOR_VERDICT_DENY, {.deny = refusal}};
}
static inline wg_auth_verdict wg_auth_abstain(void) {
  return (wg_auth_verdict){.tag = EXPORTS_WITGATE_AUTH_AUTHENTICATOR_VERDICT_ABSTAIN};
}

WG_SHARED bool exports_witgate_auth_authenticator_configure(wg_document settings, wg_text *error) {
  return wg_configured(settings, error);
}
WG_SHARED void exports_witgate_auth_authenticator_authenticate(wg_call *call, wg_auth_headers *headers, wg_auth_peer *peer,
                                                               wg_auth_verdict *verdict) {
  wg_begin();
  *verdict = authenticate(call, *headers, peer);
  wg_answered = true;
}

#endif
