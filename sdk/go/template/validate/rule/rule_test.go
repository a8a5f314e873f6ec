package rule

import (
	"reflect"
	"testing"

	"policy/witgate"
	"policy/witgate/fake"
	"policy/witgate/validate"
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
		`{"fields": []}`: "setting `fields`: is empty",
		`{"fields": [{"pointer": "/a", "type": "text"}]}`: "setting `fields[0].type`: is not a type",
	} {
		read := witgate.NewSettings(fake.Document(settings))
		New(read)
		if err := read.Err(); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", settings, err, want)
		}
	}
}

func TestValidate(t *testing.T) {
	rule := configured(t, `{
		"fields": [{"pointer": "/a", "type": "string", "required": true, "max-bytes": 5}],
		"defaults": [{"pointer": "/b", "value": [1]}]
	}`)
	refused := func(message string) validate.Verdict {
		refusal := witgate.Refuse(witgate.Invalid, "1 of 1 fields do not fit")
		refusal.Findings = []witgate.Finding{{Pointer: "/a", Message: message}}
		return validate.Refuse(refusal)
	}
	for params, want := range map[string]validate.Verdict{
		`{"a": "x", "b": 2}`: validate.Accept(),
		`{"a": "x"}`:         validate.Edits([]witgate.Edit{witgate.Change("/b", "[1]")}),
		`{}`:                 refused("is missing"),
		`{"a": null}`:        refused("is not of type string"),
		`{"a": "xxxx"}`:      refused("is longer than 5 bytes"),
	} {
		call := witgate.Call{Method: "tools/call", Target: witgate.Some("read")}
		got := rule.Validate(call, witgate.Identity{}, nil, fake.Document(params))
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, want %v", params, got, want)
		}
	}
}
