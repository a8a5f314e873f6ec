// Package export_witgate_sanitize_sanitizer is where the bindings ask for a decision. It hands them to the package rule.
package export_witgate_sanitize_sanitizer

import (
	bound "policy/gen/witgate_sanitize_sanitizer"
	"policy/rule"
	"policy/wit/types"
	"policy/witgate"
)

var made *rule.Rule

// Configure is called before the first decision.
func Configure(document *bound.Document) types.Result[types.Unit, string] {
	defer document.Drop()
	settings := witgate.NewSettings(document)
	made = rule.New(settings)
	return witgate.Configured(settings.Err())
}

// Sanitize decides on one message.
func Sanitize(call bound.Call, identity bound.Identity, message bound.Message, payload *bound.Document) bound.Verdict {
	defer payload.Drop()
	return made.Sanitize(call, identity, message, payload)
}
