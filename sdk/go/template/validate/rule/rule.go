// Package rule, the plugin {{name}}, holds a tool's arguments against a list of fields, and fills in what was left out.
//
//	tool = "files.read"           every tool when it is not set
//	fields = [{ pointer = "/arguments/path", type = "string", required = true, max-bytes = 200 }]
//	defaults = [{ pointer = "/arguments/encoding", value = "utf-8" }]
package rule

import (
	"strconv"

	"policy/witgate"
	"policy/witgate/validate"
)

// Rule holds the settings.
type Rule struct {
	tool     string
	oneTool  bool
	fields   []field
	defaults []witgate.Edit
}

type field struct {
	pointer, kind string
	required      bool
	maxBytes      uint32
	bounded       bool
}

var types = map[string]witgate.Type{
	"string":  witgate.String,
	"number":  witgate.Number,
	"boolean": witgate.Boolean,
	"array":   witgate.Array,
	"object":  witgate.Object,
}

// New reads the settings; what is wrong with them they keep themselves.
func New(settings *witgate.Settings) *Rule {
	rule := &Rule{}
	rule.tool, rule.oneTool = settings.At("tool").MaybeString()
	for _, item := range settings.At("fields").NeedItems() {
		item.NeedObject()
		field := field{pointer: item.At("pointer").NeedString(), kind: item.At("type").NeedString()}
		if _, known := types[field.kind]; !known {
			item.At("type").Wrong("is not a type")
		}
		field.required = item.At("required").BooleanOr(false)
		field.maxBytes, field.bounded = item.At("max-bytes").MaybeInteger()
		rule.fields = append(rule.fields, field)
	}
	for _, item := range settings.At("defaults").Items() {
		item.NeedObject()
		rule.defaults = append(rule.defaults, witgate.Change(item.At("pointer").NeedString(), item.At("value").NeedJSON()))
	}
	return rule
}

// Validate decides on one call.
func (r *Rule) Validate(call witgate.Call, _ witgate.Identity, _, params witgate.Document) validate.Verdict {
	target, there := call.Target.Get()
	if call.Method != "tools/call" || r.oneTool && (!there || target != r.tool) {
		return validate.Accept()
	}

	var findings []witgate.Finding
	for _, field := range r.fields {
		if wrong := field.judge(params); wrong != "" {
			findings = append(findings, witgate.Finding{Pointer: field.pointer, Message: wrong})
		}
	}
	if len(findings) > 0 {
		message := strconv.Itoa(len(findings)) + " of " + strconv.Itoa(len(r.fields)) + " fields do not fit"
		refusal := witgate.Refuse(witgate.Invalid, message)
		refusal.Findings = findings
		return validate.Refuse(refusal)
	}

	var edits []witgate.Edit
	for _, edit := range r.defaults {
		if !params.Get(edit.Pointer).IsSome() {
			edits = append(edits, edit)
		}
	}
	if len(edits) == 0 {
		return validate.Accept()
	}
	return validate.Edits(edits)
}

// judge says what is wrong with a field; nothing when it fits.
func (f field) judge(params witgate.Document) string {
	json, there := params.Get(f.pointer).Get()
	switch {
	case !there && f.required:
		return "is missing"
	case !there:
		return ""
	case witgate.TypeOf(json) != types[f.kind]:
		return "is not of type " + f.kind
	case f.bounded && uint64(len(json)) > uint64(f.maxBytes):
		return "is longer than " + strconv.FormatUint(uint64(f.maxBytes), 10) + " bytes"
	}
	return ""
}
