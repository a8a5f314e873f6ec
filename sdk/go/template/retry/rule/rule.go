// Package rule, the plugin {{name}}, tries again after a delay that doubles, as long as another attempt is worth it.
//
//	attempts = 3
//	base-ms = 100
//	cap-ms = 2000
//	fallback = { content = [] }      a result to answer with in the end, instead of the failure
package rule

import (
	"policy/witgate"
	"policy/witgate/retry"
)

// Rule holds the settings.
type Rule struct {
	attempts, baseMs, capMs uint32
	fallback                string
	hasFallback             bool
}

// New reads the settings; what is wrong with them they keep themselves.
func New(settings *witgate.Settings) *Rule {
	rule := &Rule{
		attempts: settings.At("attempts").IntegerOr(3),
		baseMs:   settings.At("base-ms").IntegerOr(100),
		capMs:    settings.At("cap-ms").IntegerOr(2000),
	}
	rule.fallback, rule.hasFallback = settings.At("fallback").MaybeJSON()
	return rule
}

// Decide decides on one failed attempt.
func (r *Rule) Decide(_ witgate.Call, attempt retry.Attempt) retry.Decision {
	if !worth(attempt) {
		return retry.GiveUp()
	}
	delay := r.delay(attempt)
	if attempt.Number >= r.attempts || delay >= uint64(attempt.DeadlineMs) {
		if r.hasFallback {
			return retry.Fallback(r.fallback)
		}
		return retry.GiveUp()
	}
	destination := retry.Same
	if attempt.Others > 0 && status(attempt.Failure) != 429 {
		destination = retry.Other
	}
	return retry.Again(uint32(delay), destination)
}

func (r *Rule) delay(attempt retry.Attempt) uint64 {
	delay, most := uint64(r.baseMs), uint64(r.capMs)
	for i := uint32(1); i < attempt.Number && delay != 0 && delay < most; i++ {
		delay *= 2
	}
	delay = min(delay, most)
	delay = delay/2 + uint64(attempt.Chance)%(delay/2+1)
	after, _ := attempt.RetryAfterMs.Get()
	return max(delay, uint64(after))
}

func worth(attempt retry.Attempt) bool {
	switch attempt.Failure.Tag() {
	case retry.NotSent, retry.CircuitOpen:
		return true
	case retry.Timeout, retry.NoReply:
		return attempt.ReadOnly || attempt.Idempotent
	}
	switch status(attempt.Failure) {
	case 429, 502, 503, 504:
		return true
	}
	return false
}

func status(failure retry.Failure) uint16 {
	if failure.Tag() != retry.HTTPStatus {
		return 0
	}
	return failure.HttpStatus()
}
