// The kind `auth`: decides who is calling.

#pragma once

#include "witgate.hpp"

namespace wg::auth {

namespace bound = ::exports::witgate::auth::authenticator;
using bound::Challenge, bound::Header, bound::Peer, bound::Verdict;

inline std::string_view value(const Header &header) {
  return {reinterpret_cast<const char *>(header.value.data()), header.value.size()};
}

inline Verdict allow(Identity identity) { return {Verdict::Allow{std::move(identity)}}; }
inline Verdict challenge(Challenge challenge) { return {Verdict::Challenge{std::move(challenge)}}; }
inline Verdict deny(Refusal refusal) { return {Verdict::Deny{std::move(refusal)}}; }
inline Verdict abstain() { return {Verdict::Abstain{}}; }

}  // namespace wg::auth

// Yours.
wg::auth::Verdict authenticate(const wg::Call &call, std::span<const wg::auth::Header> headers, const wg::auth::Peer &peer);

namespace exports::witgate::auth::authenticator {

WG_EXPORTED std::expected<void, wit::string> Configure(wg::Document &&settings) { return wg::configured(settings); }
WG_EXPORTED Verdict Authenticate(Call call, wit::vector<Header> headers, Peer peer) {
  return ::authenticate(call, headers.get_const_view(), peer);
}

}  // namespace exports::witgate::auth::authenticator
