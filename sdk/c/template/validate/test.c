// The policy without a host: cc -std=c17 -Igen -I. test.c -o build/test && build/test

#include "policy.c"

#include "fake.h"

static wg_validate_verdict asked(const char *params) {
  wg_call call = {.method = WG("tools/call"), .target = wg_some(WG("read"))};
  wg_identity identity = {.subject = WG("ada")};
  return validate(&call, &identity, NULL, fake_document(params));
}

int main(void) {
  CHECK_TEXT(fake_configure("{\"fields\": []}"), "setting `fields`: is empty");
  CHECK_TEXT(fake_configure("{\"fields\": [{\"pointer\": \"/a\", \"type\": \"text\"}]}"),
             "setting `fields[0].type`: is not a type");
  CHECK_TEXT(fake_configure("{\"fields\": [{\"pointer\": \"/a\", \"type\": \"string\", \"required\": true, \"max-bytes\": 5}],"
                            " \"defaults\": [{\"pointer\": \"/b\", \"value\": [1]}]}"), "");

  CHECK(asked("{\"a\": \"x\", \"b\": 2}").tag == EXPORTS_WITGATE_VALIDATE_VALIDATOR_VERDICT_ACCEPT);
  wg_validate_verdict filled = asked("{\"a\": \"x\"}");
  CHECK(filled.tag == EXPORTS_WITGATE_VALIDATE_VALIDATOR_VERDICT_EDITS);
  CHECK_TEXT(filled.val.edits.ptr[0].value.val, "[1]");

  CHECK_TEXT(asked("{}").val.refuse.message, "1 of 1 fields do not fit");
  CHECK_TEXT(asked("{}").val.refuse.findings.ptr[0].message, "is missing");
  CHECK_TEXT(asked("{\"a\": null}").val.refuse.findings.ptr[0].message, "is not of type string");
  CHECK_TEXT(asked("{\"a\": \"xxxx\"}").val.refuse.findings.ptr[0].message, "is longer than 5 bytes");
  return fake_result();
}
