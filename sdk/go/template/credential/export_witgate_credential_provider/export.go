// Package export_witgate_credential_provider is where the bindings ask for a decision. It hands them to the package rule.
package export_witgate_credential_provider

import (
	bound "policy/gen/witgate_credential_provider"
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

// Provide decides on one upstream.
func Provide(upstream bound.Upstream, identity bound.Identity, occasion bound.Occasion) types.Result[bound.Credential, bound.Refusal] {
	credential, refusal := made.Provide(upstream, identity, occasion)
	if refusal != nil {
		return types.Err[bound.Credential](*refusal)
	}
	return types.Ok[bound.Credential, bound.Refusal](credential)
}
