// The policy without a host: cc -std=c17 -Igen -I. test.c -o build/test && build/test

#include "policy.c"

#include "fake.h"

static wg_auth_verdict asked(const char *first, const char *second) {
  static wg_auth_header headers[2];
  wg_call call = {.tenant = WG("acme")};
  wg_auth_peer peer = {.address = WG("stdio")};
  const char *values[] = {first, second};
  size_t count = 0;
  for (int i = 0; i < 2 && values[i] != NULL; i++, count++) {
    wg_text value = fake_text(values[i]);
    headers[i].name = WG("x-api-key");
    headers[i].value.ptr = value.ptr;
    headers[i].value.len = value.len;
  }
  return authenticate(&call, (wg_auth_headers){headers, count}, &peer);
}

int main(void) {
  CHECK_TEXT(fake_configure("{}"), "setting `keys`: is missing");
  CHECK_TEXT(fake_configure("{\"keys\": [{\"subject\": 1}]}"), "setting `keys[0].subject`: is not a string");
  CHECK_TEXT(fake_configure("{\"keys\": [{\"subject\": \"ada\", \"key\": \"k-1\", \"scopes\": [\"read\"]}]}"), "");

  wg_auth_verdict known = asked("k-1", NULL);
  CHECK(known.tag == EXPORTS_WITGATE_AUTH_AUTHENTICATOR_VERDICT_ALLOW);
  CHECK_TEXT(known.val.allow.subject, "ada");
  CHECK_TEXT(known.val.allow.scopes.ptr[0], "read");
  CHECK_TEXT(known.val.allow.claims.ptr[0].value, "acme");
  CHECK(asked("k-2", NULL).tag == EXPORTS_WITGATE_AUTH_AUTHENTICATOR_VERDICT_CHALLENGE);
  CHECK(asked("k-1", "k-1").tag == EXPORTS_WITGATE_AUTH_AUTHENTICATOR_VERDICT_DENY);
  CHECK(asked(NULL, NULL).tag == EXPORTS_WITGATE_AUTH_AUTHENTICATOR_VERDICT_ABSTAIN);
  return fake_result();
}
