package rule

import (
	"reflect"
	"testing"

	"policy/witgate"
	"policy/witgate/fake"
	"policy/witgate/sanitize"
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
		`{"pointers": [1]}`: "setting `pointers[0]`: is not a string",
	} {
		read := witgate.NewSettings(fake.Document(settings))
		New(read)
		if err := read.Err(); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", settings, err, want)
		}
	}
}

func TestSanitize(t *testing.T) {
	rule := configured(t, `{"pointers": ["/a~1b/1"], "with": "\ud83d\ude00\u0001", "forbidden": ["secret"]}`)
	refusal := witgate.Refuse(witgate.Forbidden, "the message was withheld")
	refusal.Note = witgate.Some("it contains forbidden text 0")
	for payload, want := range map[string]sanitize.Verdict{
		`{}`:              sanitize.Pass(),
		`{"a/b": [0, 1]}`: sanitize.Edits([]witgate.Edit{witgate.Change("/a~1b/1", "\"😀\\u0001\"")}),
		`{"c": "secret"}`: sanitize.Withhold(refusal),
	} {
		got := rule.Sanitize(witgate.Call{}, witgate.Identity{}, sanitize.Message{}, fake.Document(payload))
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, want %v", payload, got, want)
		}
	}
}
