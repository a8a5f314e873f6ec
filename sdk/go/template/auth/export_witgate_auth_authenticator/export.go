// Package export_witgate_auth_authenticator is where the bindings ask for a decision. It hands them to the package rule.
package export_witgate_auth_authenticator

import (
	bound "policy/gen/witgate_auth_authenticator"
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

// Authenticate decides on one call.
func Authenticate(call bound.Call, headers []bound.Header, peer bound.Peer) bound.Verdict {
	return made.Authenticate(call, headers, peer)
}
