package rule

import (
	"reflect"
	"testing"

	"policy/witgate"
	"policy/witgate/auth"
	"policy/witgate/fake"
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
		`{}`:                         "setting `keys`: is missing",
		`{"keys": [{"subject": 1}]}`: "setting `keys[0].subject`: is not a string",
	} {
		read := witgate.NewSettings(fake.Document(settings))
		New(read)
		if err := read.Err(); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", settings, err, want)
		}
	}
}

func TestAuthenticate(t *testing.T) {
	rule := configured(t, `{"keys": [{"subject": "ada", "key": "k-1", "scopes": ["read"]}]}`)
	ada := witgate.Identity{
		Subject: "ada",
		Issuer:  "api-key",
		Scopes:  []string{"read"},
		Claims:  []witgate.Claim{{Name: "tenant", Value: "acme"}},
	}
	challenge := auth.Challenge{
		Scheme:      "ApiKey",
		Error:       witgate.Some("invalid_token"),
		Description: witgate.Some("the key is not known"),
	}
	twice := witgate.Refuse(witgate.Invalid, "more than one key was presented")
	for _, row := range []struct {
		keys []string
		want auth.Verdict
	}{
		{[]string{"k-1"}, auth.Allow(ada)},
		{[]string{"k-2"}, auth.Demand(challenge)},
		{[]string{"k-1", "k-1"}, auth.Deny(twice)},
		{nil, auth.Abstain()},
	} {
		var headers []auth.Header
		for _, key := range row.keys {
			headers = append(headers, auth.Header{Name: "x-api-key", Value: []byte(key)})
		}
		got := rule.Authenticate(witgate.Call{Tenant: "acme"}, headers, auth.Peer{Address: "stdio"})
		if !reflect.DeepEqual(got, row.want) {
			t.Errorf("%v: %v, want %v", row.keys, got, row.want)
		}
	}
}
