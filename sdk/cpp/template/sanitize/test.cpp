// The policy without a host: c++ -std=c++23 -Igen -I. test.cpp -o build/test && build/test

#include "policy.cpp"

#include "fake.hpp"

namespace {

wg::Call call(uint32_t chance = 0) {
  return {wg::text("c-1"), wg::text("acme"), wg::text("tools/call"), wg::text("read"), wg::text("2025-06-18"),
          std::nullopt, 0, 1000, chance};
}

wg::Identity ada() { return {wg::text("${ada}"), wg::text("test"), wg::texts({"read"}), wit::vector<wg::Claim>()}; }

wg::sanitize::Verdict asked(const char *payload) {
  return sanitize(call(), ada(), {wg::sanitize::Kind::kResult, wg::text("tools/call"), std::nullopt}, fake::document(payload));
}

}  // namespace

int main() {
  using wg::sanitize::Verdict;
  CHECK(fake::configure(R"({"pointers": [1]})") == "setting `pointers[0]`: is not a string");
  CHECK(fake::configure(R"({"pointers": ["/a~1b/1"], "with": "\ud83d\ude00\u0001", "forbidden": ["secret"]})") == "");

  CHECK(std::holds_alternative<Verdict::Pass>(asked("{}").variants));
  auto edits = asked(R"({"a/b": [0, 1]})");
  CHECK(wg::view(*std::get<Verdict::Edits>(edits.variants).value[0].value) == "\"\xf0\x9f\x98\x80\\u0001\"");
  auto withheld = asked(R"({"c": "secret"})");
  CHECK(wg::view(*std::get<Verdict::Withhold>(withheld.variants).value.note) == "it contains forbidden text 0");
  return fake::result();
}
