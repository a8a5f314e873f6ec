// The kind `credential`: decides what an upstream is shown.

#ifndef WITGATE_CREDENTIAL_H
#define WITGATE_CREDENTIAL_H

#include "witgate.h"

typedef exports_witgate_credential_provider_upstream_t wg_upstream;
typedef exports_witgate_credential_provider_occasion_t wg_occasion;
typedef exports_witgate_credential_provider_header_t wg_credential_header;
typedef exports_witgate_credential_provider_credential_t wg_credential;

enum {
  WG_FIRST = EXPORTS_WITGATE_CREDENTIAL_PROVIDER_WHY_FIRST,
  WG_EXPIRING = EXPORTS_WITGATE_CREDENTIAL_PROVIDER_WHY_EXPIRING,
  WG_REJECTED = EXPORTS_WITGATE_CREDENTIAL_PROVIDER_WHY_REJECTED,
};

// Fills in `credential` and returns true, or `refusal` and returns false. Both begin as all zero.
bool provide(const wg_upstream *upstream, const wg_identity *identity, const wg_occasion *occasion,
             wg_credential *credential, wg_refusal *refusal);

WG_SHARED bool exports_witgate_credential_provider_configure(wg_document settings, wg_text *error) {
  return wg_configured(settings, error);
}
WG_SHARED bool exports_witgate_credential_provider_provide(wg_upstream *upstream, wg_identity *identity,
                                                           wg_occasion *occasion, wg_credential *credential,
                                                           wg_refusal *refusal) {
  wg_begin();
  *credential = (wg_credential){{NULL, 0}, {false, 0}};
  *refusal = wg_refused(WG_UNAVAILABLE, WG(""));
  bool provided = provide(upstream, identity, occasion, credential, refusal);
  wg_answered = true;
  return provided;
}

#endif
