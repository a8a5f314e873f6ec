// Package export_witgate_retry_strategy is where the bindings ask for a decision. It hands them to the package rule.
package export_witgate_retry_strategy

import (
	bound "policy/gen/witgate_retry_strategy"
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

// Decide decides on one failed attempt.
func Decide(call bound.Call, attempt bound.Attempt) bound.Decision {
	return made.Decide(call, attempt)
}
