// {{name}}: holds a tool's arguments against a list of fields, and fills in what was left out.
//
//   tool = "files.read"           every tool when it is not set
//   fields = [{ pointer = "/arguments/path", type = "string", required = true, max-bytes = 200 }]
//   defaults = [{ pointer = "/arguments/encoding", value = "utf-8" }]

#include "validate.hpp"

namespace {

struct Field {
  std::string pointer, type;
  bool required;
  std::optional<uint32_t> max_bytes;
};

struct Default {
  std::string pointer, value;
};

std::optional<std::string> tool_name;
std::vector<Field> fields;
std::vector<Default> defaults;

// A type by its name; null is a value of none.
wg::json::Type named(std::string_view name) {
  using wg::json::Type;
  if (name == "string") return Type::string;
  if (name == "number") return Type::number;
  if (name == "boolean") return Type::boolean;
  if (name == "array") return Type::array;
  if (name == "object") return Type::object;
  return Type::null;
}

std::string type_of(const wg::Setting &setting) {
  std::string type = setting.needed_string();
  if (named(type) == wg::json::Type::null) setting.wrong("is not a type");
  return type;
}

// What is wrong with a field, if anything is.
std::optional<std::string> judged(const Field &field, const wg::Document &params) {
  auto json = wg::get(params, field.pointer);
  if (!json) return field.required ? std::optional("is missing") : std::nullopt;
  if (wg::json::type(*json) != named(field.type)) return "is not of type " + field.type;
  if (field.max_bytes && json->size() > *field.max_bytes)
    return "is longer than " + std::to_string(*field.max_bytes) + " bytes";
  return std::nullopt;
}

}  // namespace

void configure(const wg::Setting &settings) {
  tool_name = settings["tool"].string();
  fields.clear();
  for (const wg::Setting &field : settings["fields"].needed_items()) {
    field.needed_object();
    fields.push_back({field["pointer"].needed_string(), type_of(field["type"]),
                      field["required"].boolean().value_or(false), field["max-bytes"].integer()});
  }
  defaults.clear();
  for (const wg::Setting &value : settings["defaults"].items()) {
    value.needed_object();
    defaults.push_back({value["pointer"].needed_string(), value["value"].needed_json()});
  }
}

wg::validate::Verdict validate(const wg::Call &call, const wg::Identity &, const wg::Document *, const wg::Document &params) {
  if (wg::view(call.method) != "tools/call") return wg::validate::accept();
  if (tool_name && (!call.target || wg::view(*call.target) != *tool_name)) return wg::validate::accept();

  std::vector<wg::Finding> findings;
  for (const Field &field : fields)
    if (auto wrong = judged(field, params)) findings.push_back(wg::finding(field.pointer, *wrong));
  if (!findings.empty()) {
    std::string count = std::to_string(findings.size()), of = std::to_string(fields.size());
    auto refusal = wg::refusal(wg::Code::kInvalid, count + " of " + of + " fields do not fit");
    refusal.findings = wg::list(std::move(findings));
    return wg::validate::refuse(std::move(refusal));
  }

  std::vector<wg::Edit> edits;
  for (const Default &value : defaults)
    if (!wg::get(params, value.pointer)) edits.push_back(wg::edit(value.pointer, value.value));
  return edits.empty() ? wg::validate::accept() : wg::validate::edits(std::move(edits));
}
