// The policy without a host: c++ -std=c++23 -Igen -I. test.cpp -o build/test && build/test

#include "policy.cpp"

#include "fake.hpp"

namespace {

wg::Identity ada() { return {wg::text("${ada}"), wg::text("test"), wg::texts({"read"}), wit::vector<wg::Claim>()}; }

auto asked(wg::credential::Why why) {
  return provide({wg::text("files"), wg::text("https://files.example"), wit::vector<wg::Claim>()}, ada(),
                 {wg::text("acme"), why, 0, 1000});
}

}  // namespace

int main() {
  using enum wg::credential::Why;
  CHECK(fake::configure("{}") == "setting `secret`: is missing");
  CHECK(fake::configure(R"({"secret": "a", "expires-in-s": -1})") == "setting `expires-in-s`: is not an integer");

  CHECK(fake::configure(R"({"secret": "a", "subject-header": "x-subject", "scopes": ["read"]})") == "");
  auto expiring = asked(kExpiring);
  CHECK(expiring.has_value());
  CHECK(wg::view(expiring->headers[0].value) == "Bearer ${secret:a}");
  CHECK(wg::view(expiring->headers[1].value) == "$${ada}");
  CHECK(expiring->expires_in_s == 150);
  CHECK(wg::view(*asked(kRejected).error().note) == "upstream files at https://files.example");

  CHECK(fake::configure(R"({"secret": "a", "refreshed": "b"})") == "");
  CHECK(wg::view(asked(kRejected)->headers[0].value) == "Bearer ${secret:b}");
  CHECK(fake::configure(R"({"secret": "a", "scopes": ["write"]})") == "");
  CHECK(wg::view(asked(kFirst).error().message) == "the upstream needs the scope write");
  return fake::result();
}
