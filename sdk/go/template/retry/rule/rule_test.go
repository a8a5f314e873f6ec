package rule

import (
	"reflect"
	"testing"

	bound "policy/gen/witgate_retry_strategy"
	"policy/witgate"
	"policy/witgate/fake"
	"policy/witgate/retry"
)

func configured(t *testing.T, settings string) *Rule {
	t.Helper()
	read := witgate.NewSettings(fake.Document(settings))
	rule := New(read)
	if err := read.Err(); err != nil {
		t.Fatal(err)
	}
	return rule
}

func TestSettings(t *testing.T) {
	for settings, want := range map[string]string{
		`{"attempts": "3"}`: "setting `attempts`: is not an integer",
	} {
		read := witgate.NewSettings(fake.Document(settings))
		New(read)
		if err := read.Err(); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", settings, err, want)
		}
	}
}

func TestDecide(t *testing.T) {
	rule := configured(t, `{"fallback": {"content": []}}`)
	attempt := func(failure retry.Failure, change func(*retry.Attempt)) retry.Attempt {
		attempt := retry.Attempt{Number: 1, Others: 1, DeadlineMs: 1000, Failure: failure, Chance: 7}
		change(&attempt)
		return attempt
	}
	notSent, timeout := bound.MakeFailureNotSent("refused"), bound.MakeFailureTimeout()
	for _, row := range []struct {
		attempt retry.Attempt
		want    retry.Decision
	}{
		{attempt(notSent, func(*retry.Attempt) {}), retry.Again(57, retry.Other)},
		{attempt(bound.MakeFailureHttpStatus(429), func(a *retry.Attempt) { a.RetryAfterMs = witgate.Some(uint32(400)) }), retry.Again(400, retry.Same)},
		{attempt(timeout, func(*retry.Attempt) {}), retry.GiveUp()},
		{attempt(timeout, func(a *retry.Attempt) { a.Idempotent = true }), retry.Again(57, retry.Other)},
		{attempt(notSent, func(a *retry.Attempt) { a.Number = 3 }), retry.Fallback(`{"content": []}`)},
	} {
		if got := rule.Decide(witgate.Call{}, row.attempt); !reflect.DeepEqual(got, row.want) {
			t.Errorf("%v: %v, want %v", row.attempt, got, row.want)
		}
	}
}
