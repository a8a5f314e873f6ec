// The policy without a host: cc -std=c17 -Igen -I. test.c -o build/test && build/test

#include "policy.c"

#include "fake.h"

static wg_credential credential;
static wg_refusal refusal;

static bool asked(uint8_t why) {
  wg_text scopes[] = {WG("read")};
  wg_upstream upstream = {.id = WG("files"), .origin = WG("https://files.example")};
  wg_identity identity = {.subject = WG("${ada}"), .scopes = {scopes, 1}};
  wg_occasion occasion = {.why = why};
  credential = (wg_credential){{NULL, 0}, {false, 0}};
  return provide(&upstream, &identity, &occasion, &credential, &refusal);
}

int main(void) {
  CHECK_TEXT(fake_configure("{}"), "setting `secret`: is missing");
  CHECK_TEXT(fake_configure("{\"secret\": \"a\", \"expires-in-s\": -1}"), "setting `expires-in-s`: is not an integer");

  CHECK_TEXT(fake_configure("{\"secret\": \"a\", \"subject-header\": \"x-subject\", \"scopes\": [\"read\"]}"), "");
  CHECK(asked(WG_EXPIRING));
  CHECK_TEXT(credential.headers.ptr[0].value, "Bearer ${secret:a}");
  CHECK_TEXT(credential.headers.ptr[1].value, "$${ada}");
  CHECK(credential.expires_in_s.val == 150);
  CHECK(!asked(WG_REJECTED));
  CHECK_TEXT(refusal.note.val, "upstream files at https://files.example");

  CHECK_TEXT(fake_configure("{\"secret\": \"a\", \"refreshed\": \"b\"}"), "");
  CHECK(asked(WG_REJECTED));
  CHECK_TEXT(credential.headers.ptr[0].value, "Bearer ${secret:b}");
  CHECK_TEXT(fake_configure("{\"secret\": \"a\", \"scopes\": [\"write\"]}"), "");
  CHECK(!asked(WG_FIRST));
  CHECK_TEXT(refusal.message, "the upstream needs the scope write");
  return fake_result();
}
