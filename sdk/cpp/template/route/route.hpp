// The kind `route`: decides which upstream answers.

#pragma once

#include "witgate.hpp"

namespace wg::route {

namespace bound = ::exports::witgate::route::router;
using bound::Candidate, bound::Circuit, bound::Verdict;

inline Verdict order(const std::vector<std::string> &ids) { return {Verdict::Order{texts(ids)}}; }
inline Verdict refuse(Refusal refusal) { return {Verdict::Refuse{std::move(refusal)}}; }
inline Verdict abstain() { return {Verdict::Abstain{}}; }

}  // namespace wg::route

// Yours.
wg::route::Verdict route(const wg::Call &call, const wg::Identity &identity, std::span<const wg::route::Candidate> candidates);

namespace exports::witgate::route::router {

WG_EXPORTED std::expected<void, wit::string> Configure(wg::Document &&settings) { return wg::configured(settings); }
WG_EXPORTED Verdict Route(Call call, Identity identity, wit::vector<Candidate> candidates) {
  return ::route(call, identity, candidates.get_const_view());
}

}  // namespace exports::witgate::route::router
