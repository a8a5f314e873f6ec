// The policy without a host: c++ -std=c++23 -Igen -I. test.cpp -o build/test && build/test

#include "policy.cpp"

#include "fake.hpp"

namespace {

wg::Call call(uint32_t chance = 0) {
  return {wg::text("c-1"), wg::text("acme"), wg::text("tools/call"), wg::text("read"), wg::text("2025-06-18"),
          std::nullopt, 0, 1000, chance};
}

wg::Identity ada() { return {wg::text("${ada}"), wg::text("test"), wg::texts({"read"}), wit::vector<wg::Claim>()}; }

wg::route::Candidate candidate(std::string_view id, wg::route::Circuit circuit, bool healthy = true) {
  return {wg::text(id), wit::vector<wg::Claim>(), healthy, circuit, 0, std::nullopt};
}

// The order as one text; nothing when there is none.
std::string asked(uint32_t chance, std::span<const wg::route::Candidate> candidates) {
  auto verdict = route(call(chance), ada(), candidates);
  std::string text;
  if (auto order = std::get_if<wg::route::Verdict::Order>(&verdict.variants))
    for (const wit::string &id : order->value.get_const_view()) text += id.to_string() + " ";
  return text;
}

}  // namespace

int main() {
  using enum wg::route::Circuit;
  using wg::route::Verdict;
  CHECK(fake::configure(R"({"weights": []})") == "setting `weights`: is not an object");
  CHECK(fake::configure(R"({"weights": {"a/b": 2}})") == "");

  wg::route::Candidate well[] = {candidate("a/b", kClosed), candidate("c", kHalfOpen)};
  CHECK(asked(1, well) == "a/b c ");
  CHECK(asked(2, well) == "c a/b ");
  wg::route::Candidate half[] = {candidate("a/b", kClosed), candidate("c", kOpen)};
  CHECK(asked(2, half) == "a/b ");
  wg::route::Candidate ill[] = {candidate("a/b", kClosed, false)};
  CHECK(std::holds_alternative<Verdict::Refuse>(route(call(), ada(), ill).variants));
  CHECK(fake::configure(R"({"weights": {"a/b": 0}})") == "");
  CHECK(std::holds_alternative<Verdict::Abstain>(route(call(), ada(), half).variants));
  return fake::result();
}
