// Package retry has the words of the kind retry, which decides what happens after an attempt that failed.
package retry

import bound "policy/gen/witgate_retry_strategy"

// What the host tells and hears.
type (
	Attempt     = bound.Attempt
	Failure     = bound.Failure
	RPCError    = bound.RpcError
	Destination = bound.Destination
	Decision    = bound.Decision
)

// The tags of a Failure; HTTPStatus is told by its method HttpStatus, and so on.
const (
	NotSent     = bound.FailureNotSent
	NoReply     = bound.FailureNoReply
	HTTPStatus  = bound.FailureHttpStatus
	RPC         = bound.FailureRpcError
	ToolError   = bound.FailureToolError
	Timeout     = bound.FailureTimeout
	CircuitOpen = bound.FailureCircuitOpen
)

// Where the next attempt goes.
const (
	Same  = bound.DestinationSame
	Other = bound.DestinationOther
)

// GiveUp gives the client the failure.
func GiveUp() Decision { return bound.MakeDecisionGiveUp() }

// Again tries once more.
func Again(delayMs uint32, destination Destination) Decision {
	return bound.MakeDecisionAgain(bound.Again{DelayMs: delayMs, Destination: destination})
}

// Fallback gives the client this JSON as the result.
func Fallback(json string) Decision { return bound.MakeDecisionFallback(json) }
