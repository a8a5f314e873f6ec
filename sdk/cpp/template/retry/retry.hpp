// The kind `retry`: decides what happens after an attempt that failed.

#pragma once

#include "witgate.hpp"

namespace wg::retry {

namespace bound = ::exports::witgate::retry::strategy;
using bound::Attempt, bound::Decision, bound::Destination, bound::Failure;

// Whether the failure is of a kind, as `is<Failure::Timeout>(attempt.failure)`; `std::get_if` tells what it holds.
template <class Kind>
bool is(const Failure &failure) {
  return std::holds_alternative<Kind>(failure.variants);
}

inline Decision give_up() { return {Decision::GiveUp{}}; }
inline Decision again(uint32_t delay_ms, Destination destination) {
  return {Decision::Again{bound::Again{delay_ms, destination}}};
}
inline Decision fallback(std::string_view json) { return {Decision::Fallback{text(json)}}; }

}  // namespace wg::retry

// Yours.
wg::retry::Decision decide(const wg::Call &call, const wg::retry::Attempt &attempt);

namespace exports::witgate::retry::strategy {

WG_EXPORTED std::expected<void, wit::string> Configure(wg::Document &&settings) { return wg::configured(settings); }
WG_EXPORTED Decision Decide(Call call, Attempt attempt) { return ::decide(call, attempt); }

}  // namespace exports::witgate::retry::strategy
