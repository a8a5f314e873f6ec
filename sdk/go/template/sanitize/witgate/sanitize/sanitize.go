// Package sanitize has the words of the kind sanitize, which decides what comes out.
package sanitize

import (
	bound "policy/gen/witgate_sanitize_sanitizer"
	"policy/witgate"
)

// What the host tells and hears.
type (
	Message = bound.Message
	Verdict = bound.Verdict
)

// The kinds of a Message.
const (
	Result        = bound.KindResult
	Error         = bound.KindError
	Notification  = bound.KindNotification
	ServerRequest = bound.KindServerRequest
	Listing       = bound.KindListing
	InputRequired = bound.KindInputRequired
)

// Pass lets the message out as it is.
func Pass() Verdict { return bound.MakeVerdictPass() }

// Edits lets it out with changes.
func Edits(edits []witgate.Edit) Verdict { return bound.MakeVerdictEdits(edits) }

// Replace lets this JSON text out instead.
func Replace(json string) Verdict { return bound.MakeVerdictReplace(json) }

// Withhold does not let it out.
func Withhold(refusal witgate.Refusal) Verdict { return bound.MakeVerdictWithhold(refusal) }
