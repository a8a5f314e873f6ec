// Package auth has the words of the kind auth, which decides who is calling.
package auth

import (
	bound "policy/gen/witgate_auth_authenticator"
	"policy/witgate"
)

// What the host tells and hears.
type (
	Header      = bound.Header
	Peer        = bound.Peer
	Certificate = bound.Certificate
	Challenge   = bound.Challenge
	Verdict     = bound.Verdict
)

// Allow says who calls.
func Allow(identity witgate.Identity) Verdict { return bound.MakeVerdictAllow(identity) }

// Demand says what the caller has to bring.
func Demand(challenge Challenge) Verdict { return bound.MakeVerdictChallenge(challenge) }

// Deny refuses the caller.
func Deny(refusal witgate.Refusal) Verdict { return bound.MakeVerdictDeny(refusal) }

// Abstain has no opinion.
func Abstain() Verdict { return bound.MakeVerdictAbstain() }
