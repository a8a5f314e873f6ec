// {{name}}: tries again after a delay that doubles, as long as another attempt is worth it.
//
//   attempts = 3
//   base-ms = 100
//   cap-ms = 2000
//   fallback = { content = [] }      a result to answer with in the end, instead of the failure

#include "retry.h"

static uint32_t attempts, base_ms, cap_ms;
static wg_text fallback;

void configure(wg_settings *settings) {
  attempts = wg_maybe_integer(settings, 3, "attempts");
  base_ms = wg_maybe_integer(settings, 100, "base-ms");
  cap_ms = wg_maybe_integer(settings, 2000, "cap-ms");
  fallback = wg_maybe_json(settings, "fallback");
}

static bool worth(const wg_attempt *attempt) {
  bool harmless = attempt->read_only || attempt->idempotent;
  uint16_t status = attempt->failure.val.http_status;
  switch (attempt->failure.tag) {
    case WG_NOT_SENT: case WG_CIRCUIT_OPEN: return true;
    case WG_TIMEOUT: case WG_NO_REPLY: return harmless;
    case WG_HTTP_STATUS: return status == 429 || (status >= 502 && status <= 504);
    default: return false;
  }
}

static uint64_t delay(const wg_attempt *attempt) {
  uint32_t doublings = attempt->number - 1;
  uint64_t delay = base_ms;
  for (uint32_t i = 0; i < doublings && delay != 0 && delay < cap_ms; i++) delay *= 2;
  if (delay > cap_ms) delay = cap_ms;
  delay = delay / 2 + attempt->chance % (delay / 2 + 1);
  bool later = attempt->retry_after_ms.is_some && attempt->retry_after_ms.val > delay;
  return later ? attempt->retry_after_ms.val : delay;
}

wg_retry_decision decide(const wg_call *call, const wg_attempt *attempt) {
  (void)call;
  if (!worth(attempt)) return wg_retry_give_up();
  uint64_t wait = delay(attempt);
  if (attempt->number >= attempts || wait >= attempt->deadline_ms)
    return fallback.ptr != NULL ? wg_retry_fallback(fallback) : wg_retry_give_up();
  bool throttled = attempt->failure.tag == WG_HTTP_STATUS && attempt->failure.val.http_status == 429;
  return wg_retry_again((uint32_t)wait, attempt->others > 0 && !throttled ? WG_OTHER : WG_SAME);
}
