// Package export_witgate_route_router is where the bindings ask for a decision. It hands them to the package rule.
package export_witgate_route_router

import (
	bound "policy/gen/witgate_route_router"
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

// Route decides on one call.
func Route(call bound.Call, identity bound.Identity, candidates []bound.Candidate) bound.Verdict {
	return made.Route(call, identity, candidates)
}
