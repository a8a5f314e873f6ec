// The kind `route`: decides which upstream answers.

#ifndef WITGATE_ROUTE_H
#define WITGATE_ROUTE_H

#include "witgate.h"

typedef exports_witgate_route_router_candidate_t wg_candidate;
typedef exports_witgate_route_router_list_candidate_t wg_candidates;
typedef exports_witgate_route_router_verdict_t wg_route_verdict;

enum {
  WG_CLOSED = EXPORTS_WITGATE_ROUTE_ROUTER_CIRCUIT_CLOSED,
  WG_HALF_OPEN = EXPORTS_WITGATE_ROUTE_ROUTER_CIRCUIT_HALF_OPEN,
  WG_OPEN = EXPORTS_WITGATE_ROUTE_ROUTER_CIRCUIT_OPEN,
};

wg_route_verdict route(const wg_call *call, const wg_identity *identity, wg_candidates candidates);

static inline wg_route_verdict wg_route_order(wg_texts ids) {
  return (wg_route_verdict){EXPORTS_WITGATE_ROUTE_ROUTER_VERDICT_ORDER, {.order = ids}};
}
static inline wg_route_verdict wg_route_refuse(wg_refusal refusal) {
  return (wg_route_verdict){EXPORTS_WITGATE_ROUTE_ROUTER_VERDICT_REFUSE, {.refuse = refusal}};
}
static inline wg_route_verdict wg_route_abstain(void) {
  return (wg_route_verdict){.tag = EXPORTS_WITGATE_ROUTE_ROUTER_VERDICT_ABSTAIN};
}

WG_SHARED bool exports_witgate_route_router_configure(wg_document settings, wg_text *error) {
  return wg_configured(settings, error);
}
WG_SHARED void exports_witgate_route_router_route(wg_call *call, wg_identity *identity, wg_candidates *candidates,
                                                  wg_route_verdict *verdict) {
  wg_begin();
  *verdict = route(call, identity, *candidates);
  wg_answered = true;
}

#endif
