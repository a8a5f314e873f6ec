// The policy without a host: c++ -std=c++23 -Igen -I. test.cpp -o build/test && build/test

#include "policy.cpp"

#include "fake.hpp"

namespace {

wg::Call call(uint32_t chance = 0) {
  return {wg::text("c-1"), wg::text("acme"), wg::text("tools/call"), wg::text("read"), wg::text("2025-06-18"),
          std::nullopt, 0, 1000, chance};
}

wg::auth::Verdict asked(const std::vector<std::string> &keys) {
  std::vector<wg::auth::Header> headers;
  for (const std::string &key : keys)
    headers.push_back({wg::text("x-api-key"), wit::vector<uint8_t>::from_view(std::span(key))});
  return authenticate(call(), headers, {wg::text("stdio"), std::nullopt});
}

template <class Kind>
bool is(const wg::auth::Verdict &verdict) {
  return std::holds_alternative<Kind>(verdict.variants);
}

}  // namespace

int main() {
  using wg::auth::Verdict;
  CHECK(fake::configure("{}") == "setting `keys`: is missing");
  CHECK(fake::configure(R"({"keys": [{"subject": 1}]})") == "setting `keys[0].subject`: is not a string");
  CHECK(fake::configure(R"({"keys": [{"subject": "ada", "key": "k-1", "scopes": ["read"]}]})") == "");

  auto known = asked({"k-1"});
  const wg::Identity &identity = std::get<Verdict::Allow>(known.variants).value;
  CHECK(wg::view(identity.subject) == "ada");
  CHECK(wg::view(identity.scopes[0]) == "read");
  CHECK(wg::view(identity.claims[0].value) == "acme");
  CHECK(is<Verdict::Challenge>(asked({"k-2"})));
  CHECK(is<Verdict::Deny>(asked({"k-1", "k-1"})));
  CHECK(is<Verdict::Abstain>(asked({})));
  return fake::result();
}
