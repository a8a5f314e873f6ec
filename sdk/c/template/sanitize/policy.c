// {{name}}: blackens what stands at certain places, and withholds messages with certain texts.
//
//   pointers = ["/content/0/text"]
//   with = "[redacted]"
//   forbidden = ["BEGIN PRIVATE KEY"]

#include "sanitize.h"

static wg_texts pointers, forbidden;
static wg_text replacement;

void configure(wg_settings *settings) {
  pointers = wg_need_strings(settings, "pointers");
  replacement = wg_quoted(wg_or(wg_maybe_string(settings, "with"), WG("[redacted]")));
  forbidden = wg_maybe_strings(settings, "forbidden");
}

wg_sanitize_verdict sanitize(const wg_call *call, const wg_identity *identity, const wg_message *message, wg_document payload) {
  (void)call, (void)identity, (void)message;
  wg_text text = forbidden.len == 0 ? WG("") : wg_whole(payload);
  for (size_t i = 0; i < forbidden.len; i++) {
    if (!wg_contains(text, forbidden.ptr[i])) continue;
    wg_refusal refusal = wg_refused(WG_FORBIDDEN, WG("the message was withheld"));
    refusal.note = wg_some(wg_format("it contains forbidden text %u", (uint32_t)i));
    return wg_sanitize_withhold(refusal);
  }
  wg_sanitize_edits_list edits = {NULL, 0};
  wg_text there;
  for (size_t i = 0; i < pointers.len; i++)
    if (wg_get(payload, pointers.ptr[i], &there)) wg_push(&edits, (wg_edit){pointers.ptr[i], wg_some(replacement)});
  return edits.len == 0 ? wg_sanitize_pass() : wg_sanitize_edits(edits);
}
