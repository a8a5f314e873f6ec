// {{name}}: blackens what stands at certain places, and withholds messages with certain texts.
//
//   pointers = ["/content/0/text"]
//   with = "[redacted]"
//   forbidden = ["BEGIN PRIVATE KEY"]

#include "sanitize.hpp"

namespace {

std::vector<std::string> pointers, forbidden;
std::string replacement;

}  // namespace

void configure(const wg::Setting &settings) {
  pointers = settings["pointers"].needed_strings();
  replacement = wg::json::quoted(settings["with"].string().value_or("[redacted]"));
  forbidden = settings["forbidden"].strings();
}

wg::sanitize::Verdict sanitize(const wg::Call &, const wg::Identity &, const wg::sanitize::Message &,
                               const wg::Document &payload) {
  std::string text = forbidden.empty() ? "" : payload.Text().to_string();
  for (size_t i = 0; i < forbidden.size(); i++) {
    if (!text.contains(forbidden[i])) continue;
    auto refusal = wg::refusal(wg::Code::kForbidden, "the message was withheld");
    refusal.note = wg::text("it contains forbidden text " + std::to_string(i));
    return wg::sanitize::withhold(std::move(refusal));
  }
  std::vector<wg::Edit> edits;
  for (const std::string &pointer : pointers)
    if (wg::get(payload, pointer)) edits.push_back(wg::edit(pointer, replacement));
  return edits.empty() ? wg::sanitize::pass() : wg::sanitize::edits(std::move(edits));
}
