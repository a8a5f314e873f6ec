package rule

import (
	"testing"

	"policy/witgate"
	"policy/witgate/credential"
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
		`{}`:                                  "setting `secret`: is missing",
		`{"secret": "a", "expires-in-s": -1}`: "setting `expires-in-s`: is not an integer",
	} {
		read := witgate.NewSettings(fake.Document(settings))
		New(read)
		if err := read.Err(); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", settings, err, want)
		}
	}
}

func provided(t *testing.T, settings string, why uint8) (credential.Credential, *witgate.Refusal) {
	t.Helper()
	upstream := credential.Upstream{Id: "files", Origin: "https://files.example"}
	identity := witgate.Identity{Subject: "${ada}", Scopes: []string{"read"}}
	return configured(t, settings).Provide(upstream, identity, credential.Occasion{Why: why})
}

func TestProvide(t *testing.T) {
	got, _ := provided(t, `{"secret": "a", "subject-header": "x-subject", "scopes": ["read"]}`, credential.Expiring)
	if got.Headers[0].Value != "Bearer ${secret:a}" || got.Headers[1].Value != "$${ada}" || got.ExpiresInS.Some() != 150 {
		t.Error(got)
	}
	got, _ = provided(t, `{"secret": "a", "refreshed": "b"}`, credential.Rejected)
	if got.Headers[0].Value != "Bearer ${secret:b}" {
		t.Error(got)
	}
}

func TestRefuse(t *testing.T) {
	_, refusal := provided(t, `{"secret": "a"}`, credential.Rejected)
	if refusal == nil || refusal.Note.Some() != "upstream files at https://files.example" {
		t.Error(refusal)
	}
	_, refusal = provided(t, `{"secret": "a", "scopes": ["write"]}`, credential.First)
	if refusal == nil || refusal.Message != "the upstream needs the scope write" {
		t.Error(refusal)
	}
}
