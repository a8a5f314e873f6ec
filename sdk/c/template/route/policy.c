// {{name}}: shares calls out over the upstreams that are well, by weight.
//
//   weights = { big = 3, small = 1 }     an upstream that is not named weighs 1

#include "route.h"

static wg_text weights;

void configure(wg_settings *settings) { weights = wg_maybe_object(settings, "weights"); }

static uint32_t weight(const wg_candidate *candidate) {
  wg_text json;
  uint32_t weight = 1;
  if (weights.ptr == NULL || !wg_find(weights, wg_format("/%t", wg_token(candidate->id)), &json)) return 1;
  return wg_integer(json, &weight) ? weight : 1;
}

static bool eligible(const wg_candidate *candidate) { return candidate->healthy && candidate->circuit != WG_OPEN; }

wg_route_verdict route(const wg_call *call, const wg_identity *identity, wg_candidates candidates) {
  (void)identity;
  uint64_t total = 0, sum = 0;
  size_t count = 0, picked = 0;
  for (size_t i = 0; i < candidates.len; i++) {
    if (!eligible(&candidates.ptr[i])) continue;
    total += weight(&candidates.ptr[i]);
    count++;
  }
  if (count == 0) {
    wg_refusal refusal = wg_refused(WG_UNAVAILABLE, WG("no upstream is healthy"));
    refusal.retry_after_ms = wg_some_u32(1000);
    return wg_route_refuse(refusal);
  }
  if (total == 0) return wg_route_abstain();

  uint64_t point = call->chance % total;
  for (picked = 0; picked < candidates.len; picked++) {
    if (eligible(&candidates.ptr[picked])) sum += weight(&candidates.ptr[picked]);
    if (sum > point) break;
  }
  wg_texts order = {NULL, 0};
  wg_push(&order, candidates.ptr[picked].id);
  for (size_t i = 0; i < candidates.len; i++)
    if (i != picked && eligible(&candidates.ptr[i])) wg_push(&order, candidates.ptr[i].id);
  return wg_route_order(order);
}
