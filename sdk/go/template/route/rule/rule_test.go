package rule

import (
	"reflect"
	"testing"

	"policy/witgate"
	"policy/witgate/fake"
	"policy/witgate/route"
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
		`{"weights": []}`: "setting `weights`: is not an object",
	} {
		read := witgate.NewSettings(fake.Document(settings))
		New(read)
		if err := read.Err(); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", settings, err, want)
		}
	}
}

func TestRoute(t *testing.T) {
	first := route.Candidate{Id: "a/b", Healthy: true}
	second := route.Candidate{Id: "c", Healthy: true, Circuit: route.HalfOpen}
	ill := route.Candidate{Id: "d", Circuit: route.Closed}
	open := route.Candidate{Id: "e", Healthy: true, Circuit: route.Open}
	refusal := witgate.Refuse(witgate.Unavailable, "no upstream is healthy")
	refusal.RetryAfterMs = witgate.Some(uint32(1000))
	for _, row := range []struct {
		settings   string
		chance     uint32
		candidates []route.Candidate
		want       route.Verdict
	}{
		{`{"weights": {"a/b": 2}}`, 1, []route.Candidate{first, second}, route.Order([]string{"a/b", "c"})},
		{`{"weights": {"a/b": 2}}`, 2, []route.Candidate{first, second}, route.Order([]string{"c", "a/b"})},
		{`{}`, 1, []route.Candidate{ill, open, second}, route.Order([]string{"c"})},
		{`{}`, 1, []route.Candidate{ill, open}, route.Refuse(refusal)},
		{`{"weights": {"c": 0}}`, 1, []route.Candidate{second}, route.Abstain()},
	} {
		got := configured(t, row.settings).Route(witgate.Call{Chance: row.chance}, witgate.Identity{}, row.candidates)
		if !reflect.DeepEqual(got, row.want) {
			t.Errorf("%s, %d: %v, want %v", row.settings, row.chance, got, row.want)
		}
	}
}
