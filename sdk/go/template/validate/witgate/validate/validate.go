// Package validate has the words of the kind validate, which decides whether, and with which parameters, a call goes in.
package validate

import (
	bound "policy/gen/witgate_validate_validator"
	"policy/witgate"
)

// Verdict is what was decided.
type Verdict = bound.Verdict

// Accept lets the call go in as it is.
func Accept() Verdict { return bound.MakeVerdictAccept() }

// Edits lets it go in with changes.
func Edits(edits []witgate.Edit) Verdict { return bound.MakeVerdictEdits(edits) }

// Refuse does not let it go in.
func Refuse(refusal witgate.Refusal) Verdict { return bound.MakeVerdictRefuse(refusal) }
