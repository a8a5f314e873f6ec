// {{name}}: shares calls out over the upstreams that are well, by weight.
//
//   weights = { big = 3, small = 1 }     an upstream that is not named weighs 1

#include <algorithm>

#include "route.hpp"

namespace {

std::string weights;

uint32_t weight(std::string_view id) {
  auto json = weights.empty() ? std::nullopt : wg::json::member(weights, id);
  return json ? wg::json::integer(*json).value_or(1) : 1;
}

}  // namespace

void configure(const wg::Setting &settings) { weights = settings["weights"].object().value_or(""); }

wg::route::Verdict route(const wg::Call &call, const wg::Identity &, std::span<const wg::route::Candidate> candidates) {
  std::vector<std::string> eligible;
  uint64_t total = 0;
  for (const wg::route::Candidate &candidate : candidates) {
    if (!candidate.healthy || candidate.circuit == wg::route::Circuit::kOpen) continue;
    eligible.push_back(candidate.id.to_string());
    total += weight(eligible.back());
  }
  if (eligible.empty()) {
    auto refusal = wg::refusal(wg::Code::kUnavailable, "no upstream is healthy");
    refusal.retry_after_ms = 1000;
    return wg::route::refuse(std::move(refusal));
  }
  if (total == 0) return wg::route::abstain();

  uint64_t point = call.chance % total, sum = 0;
  auto picked = eligible.begin();
  for (; picked != eligible.end(); picked++) {
    sum += weight(*picked);
    if (sum > point) break;
  }
  std::rotate(eligible.begin(), picked, std::next(picked));
  return wg::route::order(eligible);
}
