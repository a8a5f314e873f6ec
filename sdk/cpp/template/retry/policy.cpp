// {{name}}: tries again after a delay that doubles, as long as another attempt is worth it.
//
//   attempts = 3
//   base-ms = 100
//   cap-ms = 2000
//   fallback = { content = [] }      a result to answer with in the end, instead of the failure

#include <algorithm>

#include "retry.hpp"

using wg::retry::Attempt, wg::retry::Failure, wg::retry::is;

namespace {

uint32_t attempts, base_ms, cap_ms;
std::optional<std::string> fallback;

uint16_t status(const Failure &failure) {
  auto status = std::get_if<Failure::HttpStatus>(&failure.variants);
  return status != nullptr ? status->value : 0;
}

bool worth(const Attempt &attempt) {
  const Failure &failure = attempt.failure;
  if (is<Failure::NotSent>(failure) || is<Failure::CircuitOpen>(failure)) return true;
  if (is<Failure::Timeout>(failure) || is<Failure::NoReply>(failure)) return attempt.read_only || attempt.idempotent;
  return status(failure) == 429 || (status(failure) >= 502 && status(failure) <= 504);
}

uint64_t delay(const Attempt &attempt) {
  uint64_t delay = base_ms;
  for (uint32_t i = 1; i < attempt.number && delay != 0 && delay < cap_ms; i++) delay *= 2;
  delay = std::min<uint64_t>(delay, cap_ms);
  delay = delay / 2 + attempt.chance % (delay / 2 + 1);
  return std::max<uint64_t>(delay, attempt.retry_after_ms.value_or(0));
}

}  // namespace

void configure(const wg::Setting &settings) {
  attempts = settings["attempts"].integer().value_or(3);
  base_ms = settings["base-ms"].integer().value_or(100);
  cap_ms = settings["cap-ms"].integer().value_or(2000);
  fallback = settings["fallback"].json();
}

wg::retry::Decision decide(const wg::Call &, const Attempt &attempt) {
  using wg::retry::Destination;
  if (!worth(attempt)) return wg::retry::give_up();
  uint64_t wait = delay(attempt);
  if (attempt.number >= attempts || wait >= attempt.deadline_ms)
    return fallback ? wg::retry::fallback(*fallback) : wg::retry::give_up();
  bool other = attempt.others > 0 && status(attempt.failure) != 429;
  return wg::retry::again(static_cast<uint32_t>(wait), other ? Destination::kOther : Destination::kSame);
}
