// The kind `validate`: decides whether, and with which parameters, a call goes in.

#pragma once

#include "witgate.hpp"

namespace wg::validate {

using ::exports::witgate::validate::validator::Verdict;

inline Verdict accept() { return {Verdict::Accept{}}; }
inline Verdict edits(std::vector<Edit> edits) { return {Verdict::Edits{list(std::move(edits))}}; }
inline Verdict refuse(Refusal refusal) { return {Verdict::Refuse{std::move(refusal)}}; }

}  // namespace wg::validate

// Yours. `tool` is null where there is none.
wg::validate::Verdict validate(const wg::Call &call, const wg::Identity &identity, const wg::Document *tool,
                                const wg::Document &params);

namespace exports::witgate::validate::validator {

WG_EXPORTED std::expected<void, wit::string> Configure(wg::Document &&settings) { return wg::configured(settings); }
WG_EXPORTED Verdict Validate(Call call, Identity identity, std::optional<Document> tool, Document &&params) {
  return ::validate(call, identity, tool ? &*tool : nullptr, params);
}

}  // namespace exports::witgate::validate::validator
