// {{name}}: lets in who presents an API key that is in the settings.
//
//   header = "x-api-key"
//   keys = [{ subject = "ada", key = "…", scopes = ["read"] }]

#include "auth.h"

typedef struct {
  wg_text subject, key;
  wg_texts scopes;
} entry;

static wg_text header;
static entry *keys;
static uint32_t key_count;

void configure(wg_settings *settings) {
  header = wg_or(wg_maybe_string(settings, "header"), WG("x-api-key"));
  key_count = wg_need_array(settings, "keys");
  keys = wg_new(entry, key_count);
  for (uint32_t i = 0; i < key_count; i++) {
    wg_need_object(settings, "keys[%u]", i);
    keys[i].subject = wg_need_string(settings, "keys[%u].subject", i);
    keys[i].key = wg_need_string(settings, "keys[%u].key", i);
    keys[i].scopes = wg_maybe_strings(settings, "keys[%u].scopes", i);
  }
}

// The entry of a key. All are compared, so that the time taken does not tell which one it was like.
static const entry *known(wg_text presented) {
  const entry *found = NULL;
  for (uint32_t i = 0; i < key_count; i++)
    if (wg_same_secret(presented, keys[i].key) && found == NULL) found = &keys[i];
  return found;
}

wg_auth_verdict authenticate(const wg_call *call, wg_auth_headers headers, const wg_auth_peer *peer) {
  (void)peer;
  wg_text presented = WG_NONE;
  for (size_t i = 0; i < headers.len; i++) {
    if (!wg_same(headers.ptr[i].name, header)) continue;
    if (presented.ptr != NULL) return wg_auth_deny(wg_refused(WG_INVALID, WG("more than one key was presented")));
    presented = wg_header_text(&headers.ptr[i]);
  }
  if (presented.ptr == NULL) return wg_auth_abstain();

  const entry *who = known(presented);
  if (who == NULL) {
    return wg_auth_challenged((wg_auth_challenge){
        .scheme = WG("ApiKey"),
        .error = wg_some(WG("invalid_token")),
        .description = wg_some(WG("the key is not known")),
    });
  }
  wg_claims claims = {NULL, 0};
  wg_push(&claims, (wg_claim){WG("tenant"), call->tenant});
  return wg_auth_allow((wg_identity){who->subject, WG("api-key"), who->scopes, claims});
}
