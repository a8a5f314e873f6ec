// Package credential has the words of the kind credential, which decides what an upstream is shown.
package credential

import bound "policy/gen/witgate_credential_provider"

// What the host tells and hears.
type (
	Upstream   = bound.Upstream
	Occasion   = bound.Occasion
	Header     = bound.Header
	Credential = bound.Credential
)

// Why the provider is asked.
const (
	First    = bound.WhyFirst
	Expiring = bound.WhyExpiring
	Rejected = bound.WhyRejected
)
