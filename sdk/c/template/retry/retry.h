// The kind `retry`: decides what happens after an attempt that failed.

#ifndef WITGATE_RETRY_H
#define WITGATE_RETRY_H

#include "witgate.h"

typedef exports_witgate_retry_strategy_attempt_t wg_attempt;
typedef exports_witgate_retry_strategy_decision_t wg_retry_decision;

enum {
  WG_NOT_SENT = EXPORTS_WITGATE_RETRY_STRATEGY_FAILURE_NOT_SENT,
  WG_NO_REPLY = EXPORTS_WITGATE_RETRY_STRATEGY_FAILURE_NO_REPLY,
  WG_HTTP_STATUS = EXPORTS_WITGATE_RETRY_STRATEGY_FAILURE_HTTP_STATUS,
  WG_RPC_ERROR = EXPORTS_WITGATE_RETRY_STRATEGY_FAILURE_RPC_ERROR,
  WG_TOOL_ERROR = EXPORTS_WITGATE_RETRY_STRATEGY_FAILURE_TOOL_ERROR,
  WG_TIMEOUT = EXPORTS_WITGATE_RETRY_STRATEGY_FAILURE_TIMEOUT,
  WG_CIRCUIT_OPEN = EXPORTS_WITGATE_RETRY_STRATEGY_FAILURE_CIRCUIT_OPEN,
  WG_SAME = EXPORTS_WITGATE_RETRY_STRATEGY_DESTINATION_SAME,
  WG_OTHER = EXPORTS_WITGATE_RETRY_STRATEGY_DESTINATION_OTHER,
};

wg_retry_decision decide(const wg_call *call, const wg_attempt *attempt);

static inline wg_retry_decision wg_retry_give_up(void) {
  return (wg_retry_decision){.tag = EXPORTS_WITGATE_RETRY_STRATEGY_DECISION_GIVE_UP};
}
static inline wg_retry_decision wg_retry_again(uint32_t delay_ms, uint8_t destination) {
  return (wg_retry_decision){EXPORTS_WITGATE_RETRY_STRATEGY_DECISION_AGAIN, {.again = {delay_ms, destination}}};
}
static inline wg_retry_decision wg_retry_fallback(wg_text json) {
  return (wg_retry_decision){EXPORTS_WITGATE_RETRY_STRATEGY_DECISION_FALLBACK, {.fallback = json}};
}

WG_SHARED bool exports_witgate_retry_strategy_configure(wg_document settings, wg_text *error) {
  return wg_configured(settings, error);
}
WG_SHARED void exports_witgate_retry_strategy_decide(wg_call *call, wg_attempt *attempt, wg_retry_decision *decision) {
  wg_begin();
  *decision = decide(call, attempt);
  wg_answered = true;
}

#endif
