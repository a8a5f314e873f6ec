// The policy without a host: cc -std=c17 -Igen -I. test.c -o build/test && build/test

#include "policy.c"

#include "fake.h"

static wg_retry_decision asked(wg_attempt attempt) {
  wg_call call = {.method = WG("tools/call")};
  attempt.upstream = WG("files");
  return decide(&call, &attempt);
}

int main(void) {
  wg_attempt first = {.number = 1, .others = 1, .deadline_ms = 1000, .failure = {.tag = WG_NOT_SENT}, .chance = 7};
  CHECK_TEXT(fake_configure("{\"attempts\": \"3\"}"), "setting `attempts`: is not an integer");
  CHECK_TEXT(fake_configure("{\"fallback\": {\"content\": []}}"), "");

  CHECK(asked(first).val.again.delay_ms == 57);
  CHECK(asked(first).val.again.destination == WG_OTHER);
  wg_attempt throttled = first;
  throttled.failure = (__typeof__(first.failure)){WG_HTTP_STATUS, {.http_status = 429}};
  throttled.retry_after_ms = wg_some_u32(400);
  CHECK(asked(throttled).val.again.delay_ms == 400);
  CHECK(asked(throttled).val.again.destination == WG_SAME);
  wg_attempt lost = first;
  lost.failure.tag = WG_NO_REPLY;
  CHECK(asked(lost).tag == EXPORTS_WITGATE_RETRY_STRATEGY_DECISION_GIVE_UP);
  lost.idempotent = true;
  CHECK(asked(lost).tag == EXPORTS_WITGATE_RETRY_STRATEGY_DECISION_AGAIN);
  wg_attempt last = first;
  last.number = 3;
  CHECK_TEXT(asked(last).val.fallback, "{\"content\": []}");
  return fake_result();
}
