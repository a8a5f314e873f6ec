// {{name}}: shows upstreams a token that the host holds as a secret; the plugin knows its name only.
//
//   secret = "token"              the secret to show
//   refreshed = "newer-token"     the one to show when the first was rejected
//   expires-in-s = 300
//   subject-header = "x-subject"  also say who is calling
//   scopes = ["read"]             what the caller must have

#include "credential.h"

static wg_text secret, refreshed, subject_header;
static wg_texts scopes;
static uint32_t expires_in_s;

void configure(wg_settings *settings) {
  secret = wg_need_string(settings, "secret");
  expires_in_s = wg_maybe_integer(settings, 300, "expires-in-s");
  refreshed = wg_maybe_string(settings, "refreshed");
  subject_header = wg_maybe_string(settings, "subject-header");
  scopes = wg_maybe_strings(settings, "scopes");
}

static bool has(const wg_identity *identity, wg_text scope) {
  for (size_t i = 0; i < identity->scopes.len; i++)
    if (wg_same(identity->scopes.ptr[i], scope)) return true;
  return false;
}

bool provide(const wg_upstream *upstream, const wg_identity *identity, const wg_occasion *occasion,
             wg_credential *credential, wg_refusal *refusal) {
  for (size_t i = 0; i < scopes.len; i++) {
    if (has(identity, scopes.ptr[i])) continue;
    *refusal = wg_refused(WG_FORBIDDEN, wg_format("the upstream needs the scope %t", scopes.ptr[i]));
    return false;
  }
  bool rejected = occasion->why == WG_REJECTED;
  if (rejected && refreshed.ptr == NULL) {
    *refusal = wg_refused(WG_UNAVAILABLE, WG("the upstream rejected the token, and there is no other"));
    refusal->note = wg_some(wg_format("upstream %t at %t", upstream->id, upstream->origin));
    return false;
  }
  wg_text bearer = wg_format("Bearer ${secret:%t}", rejected ? refreshed : secret);
  wg_push(&credential->headers, (wg_credential_header){WG("authorization"), bearer});
  if (subject_header.ptr != NULL) {
    wg_text subject = wg_replaced(identity->subject, WG("${"), WG("$${"));
    wg_push(&credential->headers, (wg_credential_header){subject_header, subject});
  }
  credential->expires_in_s = wg_some_u32(occasion->why == WG_EXPIRING ? expires_in_s / 2 : expires_in_s);
  return true;
}
