// The policy without a host: cc -std=c17 -Igen -I. test.c -o build/test && build/test

#include "policy.c"

#include "fake.h"

static wg_candidate candidates[2];

static wg_route_verdict asked(uint32_t chance) {
  wg_call call = {.chance = chance};
  wg_identity identity = {.subject = WG("ada")};
  return route(&call, &identity, (wg_candidates){candidates, 2});
}

int main(void) {
  candidates[0] = (wg_candidate){.id = WG("a/b"), .healthy = true, .circuit = WG_CLOSED};
  candidates[1] = (wg_candidate){.id = WG("c"), .healthy = true, .circuit = WG_HALF_OPEN};
  CHECK_TEXT(fake_configure("{\"weights\": []}"), "setting `weights`: is not an object");
  CHECK_TEXT(fake_configure("{\"weights\": {\"a/b\": 2}}"), "");

  CHECK_TEXT(asked(1).val.order.ptr[0], "a/b");
  CHECK_TEXT(asked(2).val.order.ptr[0], "c");
  CHECK_TEXT(asked(2).val.order.ptr[1], "a/b");
  candidates[1].circuit = WG_OPEN;
  CHECK(asked(2).val.order.len == 1);
  candidates[0].healthy = false;
  CHECK(asked(2).tag == EXPORTS_WITGATE_ROUTE_ROUTER_VERDICT_REFUSE);
  candidates[0].healthy = true;
  CHECK_TEXT(fake_configure("{\"weights\": {\"a/b\": 0}}"), "");
  CHECK(asked(0).tag == EXPORTS_WITGATE_ROUTE_ROUTER_VERDICT_ABSTAIN);
  return fake_result();
}
