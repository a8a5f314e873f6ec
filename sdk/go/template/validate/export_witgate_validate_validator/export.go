// Package export_witgate_validate_validator is where the bindings ask for a decision. It hands them to the package rule.
package export_witgate_validate_validator

import (
	bound "policy/gen/witgate_validate_validator"
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

// Validate decides on one call.
func Validate(call bound.Call, identity bound.Identity, tool types.Option[*bound.Document], params *bound.Document) bound.Verdict {
	defer params.Drop()
	var definition witgate.Document
	if document, there := tool.Get(); there {
		defer document.Drop()
		definition = document
	}
	return made.Validate(call, identity, definition, params)
}
