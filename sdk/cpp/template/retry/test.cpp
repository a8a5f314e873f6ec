// The policy without a host: c++ -std=c++23 -Igen -I. test.cpp -o build/test && build/test

#include "policy.cpp"

#include "fake.hpp"

namespace {

wg::Call call(uint32_t chance = 0) {
  return {wg::text("c-1"), wg::text("acme"), wg::text("tools/call"), wg::text("read"), wg::text("2025-06-18"),
          std::nullopt, 0, 1000, chance};
}

Attempt attempt(Failure failure) {
  return {1, wg::text("files"), 1, 0, 1000, false, false, std::move(failure), std::nullopt, 7};
}

wg::retry::Decision asked(const Attempt &attempt) { return decide(call(), attempt); }

}  // namespace

int main() {
  using wg::retry::Decision, wg::retry::Destination;
  CHECK(fake::configure(R"({"attempts": "3"})") == "setting `attempts`: is not an integer");
  CHECK(fake::configure(R"({"fallback": {"content": []}})") == "");

  auto first = asked(attempt({Failure::NotSent{wg::text("refused")}}));
  CHECK(std::get<Decision::Again>(first.variants).value.delay_ms == 57);
  CHECK(std::get<Decision::Again>(first.variants).value.destination == Destination::kOther);

  Attempt throttled = attempt({Failure::HttpStatus{429}});
  throttled.retry_after_ms = 400;
  auto later = asked(throttled);
  CHECK(std::get<Decision::Again>(later.variants).value.delay_ms == 400);
  CHECK(std::get<Decision::Again>(later.variants).value.destination == Destination::kSame);

  Attempt lost = attempt({Failure::Timeout{}});
  CHECK(std::holds_alternative<Decision::GiveUp>(asked(lost).variants));
  lost.idempotent = true;
  CHECK(std::holds_alternative<Decision::Again>(asked(lost).variants));
  lost.number = 3;
  auto last = asked(lost);
  CHECK(wg::view(std::get<Decision::Fallback>(last.variants).value) == R"({"content": []})");
  return fake::result();
}
