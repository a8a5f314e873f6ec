// The kind `credential`: decides what an upstream is shown.

#pragma once

#include "witgate.hpp"

namespace wg::credential {

namespace bound = ::exports::witgate::credential::provider;
using bound::Credential, bound::Header, bound::Occasion, bound::Upstream, bound::Why;

inline Header header(std::string_view name, std::string_view value) { return {text(name), text(value)}; }

}  // namespace wg::credential

// Yours.
std::expected<wg::credential::Credential, wg::Refusal> provide(const wg::credential::Upstream &upstream,
                                                               const wg::Identity &identity,
                                                               const wg::credential::Occasion &occasion);

namespace exports::witgate::credential::provider {

WG_EXPORTED std::expected<void, wit::string> Configure(wg::Document &&settings) { return wg::configured(settings); }
WG_EXPORTED std::expected<Credential, Refusal> Provide(Upstream upstream, Identity identity, Occasion occasion) {
  return ::provide(upstream, identity, occasion);
}

}  // namespace exports::witgate::credential::provider
