// The policy without a host: cc -std=c17 -Igen -I. test.c -o build/test && build/test

#include "policy.c"

#include "fake.h"

static wg_sanitize_verdict asked(const char *payload) {
  wg_call call = {.method = WG("tools/call")};
  wg_identity identity = {.subject = WG("ada")};
  wg_message message = {.kind = WG_RESULT, .method = WG("tools/call")};
  return sanitize(&call, &identity, &message, fake_document(payload));
}

int main(void) {
  CHECK_TEXT(fake_configure("{\"pointers\": [1]}"), "setting `pointers[0]`: is not a string");
  CHECK_TEXT(fake_configure("{\"pointers\": [\"/a~1b/1\"], \"with\": \"\\ud83d\\ude00\\u0001\", \"forbidden\": [\"secret\"]}"), "");

  CHECK(asked("{}").tag == EXPORTS_WITGATE_SANITIZE_SANITIZER_VERDICT_PASS);
  CHECK_TEXT(asked("{\"a/b\": [0, 1]}").val.edits.ptr[0].value.val, "\"\xf0\x9f\x98\x80\\u0001\"");
  CHECK_TEXT(asked("{\"c\": \"secret\"}").val.withhold.note.val, "it contains forbidden text 0");
  return fake_result();
}
