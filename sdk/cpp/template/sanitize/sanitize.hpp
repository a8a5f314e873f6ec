// The kind `sanitize`: decides what comes out.

#pragma once

#include "witgate.hpp"

namespace wg::sanitize {

namespace bound = ::exports::witgate::sanitize::sanitizer;
using bound::Kind, bound::Message, bound::Verdict;

inline Verdict pass() { return {Verdict::Pass{}}; }
inline Verdict edits(std::vector<Edit> edits) { return {Verdict::Edits{list(std::move(edits))}}; }
inline Verdict replace(std::string_view json) { return {Verdict::Replace{text(json)}}; }
inline Verdict withhold(Refusal refusal) { return {Verdict::Withhold{std::move(refusal)}}; }

}  // namespace wg::sanitize

// Yours.
wg::sanitize::Verdict sanitize(const wg::Call &call, const wg::Identity &identity, const wg::sanitize::Message &message,
                               const wg::Document &payload);

namespace exports::witgate::sanitize::sanitizer {

WG_EXPORTED std::expected<void, wit::string> Configure(wg::Document &&settings) { return wg::configured(settings); }
WG_EXPORTED Verdict Sanitize(Call call, Identity identity, Message message, Document &&payload) {
  return ::sanitize(call, identity, message, payload);
}

}  // namespace exports::witgate::sanitize::sanitizer
