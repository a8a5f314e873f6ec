// Package route has the words of the kind route, which decides which upstream answers.
package route

import (
	bound "policy/gen/witgate_route_router"
	"policy/witgate"
)

// What the host tells and hears.
type (
	Candidate = bound.Candidate
	Verdict   = bound.Verdict
)

// The states of an upstream's circuit.
const (
	Closed   = bound.CircuitClosed
	HalfOpen = bound.CircuitHalfOpen
	Open     = bound.CircuitOpen
)

// Order names upstreams, best first.
func Order(ids []string) Verdict { return bound.MakeVerdictOrder(ids) }

// Refuse lets no upstream answer.
func Refuse(refusal witgate.Refusal) Verdict { return bound.MakeVerdictRefuse(refusal) }

// Abstain has no opinion.
func Abstain() Verdict { return bound.MakeVerdictAbstain() }
