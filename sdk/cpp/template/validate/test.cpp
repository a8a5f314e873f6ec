// The policy without a host: c++ -std=c++23 -Igen -I. test.cpp -o build/test && build/test

#include "policy.cpp"

#include "fake.hpp"

namespace {

wg::Call call(uint32_t chance = 0) {
  return {wg::text("c-1"), wg::text("acme"), wg::text("tools/call"), wg::text("read"), wg::text("2025-06-18"),
          std::nullopt, 0, 1000, chance};
}

wg::Identity ada() { return {wg::text("${ada}"), wg::text("test"), wg::texts({"read"}), wit::vector<wg::Claim>()}; }

wg::validate::Verdict asked(const char *params) { return validate(call(), ada(), nullptr, fake::document(params)); }

std::string message(const char *params) {
  auto verdict = asked(params);
  return std::get<wg::validate::Verdict::Refuse>(verdict.variants).value.findings[0].message.to_string();
}

}  // namespace

int main() {
  using wg::validate::Verdict;
  CHECK(fake::configure(R"({"fields": []})") == "setting `fields`: is empty");
  CHECK(fake::configure(R"({"fields": [{"pointer": "/a", "type": "text"}]})") ==
        "setting `fields[0].type`: is not a type");
  CHECK(fake::configure(R"({"fields": [{"pointer": "/a", "type": "string", "required": true, "max-bytes": 5}],
                           "defaults": [{"pointer": "/b", "value": [1]}]})") == "");

  CHECK(std::holds_alternative<Verdict::Accept>(asked(R"({"a": "x", "b": 2})").variants));
  auto filled = asked(R"({"a": "x"})");
  CHECK(wg::view(*std::get<Verdict::Edits>(filled.variants).value[0].value) == "[1]");

  CHECK(message("{}") == "is missing");
  CHECK(message(R"({"a": null})") == "is not of type string");
  CHECK(message(R"({"a": "xxxx"})") == "is longer than 5 bytes");
  return fake::result();
}
