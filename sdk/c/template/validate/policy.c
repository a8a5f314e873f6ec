// {{name}}: holds a tool's arguments against a list of fields, and fills in what was left out.
//
//   tool = "files.read"           every tool when it is not set
//   fields = [{ pointer = "/arguments/path", type = "string", required = true, max-bytes = 200 }]
//   defaults = [{ pointer = "/arguments/encoding", value = "utf-8" }]

#include "validate.h"

typedef struct {
  wg_text pointer, type;
  bool required;
  uint32_t max_bytes;
} field;

static wg_text tool_name;
static field *fields;
static uint32_t field_count;
static wg_edit *defaults;
static uint32_t default_count;

static const struct {
  const char *name;
  char type;
} types[] = {{"string", 's'}, {"number", 'n'}, {"boolean", 'b'}, {"array", 'a'}, {"object", 'o'}};

// What `wg_type` says of values of a type; 0 of a name that is none.
static char named(wg_text name) {
  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
    if (wg_same(name, wg_format("%s", types[i].name))) return types[i].type;
  return 0;
}

static void configure_field(wg_settings *settings, uint32_t i) {
  wg_need_object(settings, "fields[%u]", i);
  fields[i].pointer = wg_need_string(settings, "fields[%u].pointer", i);
  fields[i].type = wg_need_string(settings, "fields[%u].type", i);
  if (named(fields[i].type) == 0) wg_wrong(settings, "is not a type", "fields[%u].type", i);
  fields[i].required = wg_maybe_boolean(settings, false, "fields[%u].required", i);
  fields[i].max_bytes = wg_maybe_integer(settings, UINT32_MAX, "fields[%u].max-bytes", i);
}

static void configure_default(wg_settings *settings, uint32_t i) {
  wg_need_object(settings, "defaults[%u]", i);
  defaults[i].pointer = wg_need_string(settings, "defaults[%u].pointer", i);
  defaults[i].value = wg_some(wg_need_json(settings, "defaults[%u].value", i));
}

void configure(wg_settings *settings) {
  tool_name = wg_maybe_string(settings, "tool");
  field_count = wg_need_array(settings, "fields");
  fields = wg_new(field, field_count);
  for (uint32_t i = 0; i < field_count; i++) configure_field(settings, i);
  default_count = wg_maybe_array(settings, "defaults");
  defaults = wg_new(wg_edit, default_count);
  for (uint32_t i = 0; i < default_count; i++) configure_default(settings, i);
}

// What is wrong with a field; none when it fits.
static wg_text judged(const field *field, wg_document params) {
  wg_text json;
  if (!wg_get(params, field->pointer, &json)) return field->required ? WG("is missing") : WG_NONE;
  if (wg_type(json) != named(field->type)) return wg_format("is not of type %t", field->type);
  if (json.len > field->max_bytes) return wg_format("is longer than %u bytes", field->max_bytes);
  return WG_NONE;
}

wg_validate_verdict validate(const wg_call *call, const wg_identity *identity, const wg_document *tool, wg_document params) {
  (void)identity, (void)tool;
  if (!wg_same(call->method, WG("tools/call"))) return wg_validate_accept();
  if (tool_name.ptr != NULL && !wg_target_is(call, tool_name)) return wg_validate_accept();

  wg_findings findings = {NULL, 0};
  for (uint32_t i = 0; i < field_count; i++) {
    wg_text wrong = judged(&fields[i], params);
    if (wrong.ptr != NULL) wg_push(&findings, (wg_finding){fields[i].pointer, wrong});
  }
  if (findings.len != 0) {
    wg_text message = wg_format("%u of %u fields do not fit", (uint32_t)findings.len, field_count);
    wg_refusal refusal = wg_refused(WG_INVALID, message);
    refusal.findings = findings;
    return wg_validate_refuse(refusal);
  }

  wg_validate_edits_list edits = {NULL, 0};
  wg_text there;
  for (uint32_t i = 0; i < default_count; i++)
    if (!wg_get(params, defaults[i].pointer, &there)) wg_push(&edits, defaults[i]);
  return edits.len == 0 ? wg_validate_accept() : wg_validate_edits(edits);
}
