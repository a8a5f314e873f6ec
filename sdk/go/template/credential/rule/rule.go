// Package rule, the plugin {{name}}, shows upstreams a token that the host holds as a secret; the plugin knows its name
// only.
//
//	secret = "token"              the secret to show
//	expires-in-s = 300
//	refreshed = "newer-token"     the one to show when the first was rejected
//	subject-header = "x-subject"  also say who is calling
//	scopes = ["read"]             what the caller must have
package rule

import (
	"slices"
	"strings"

	"policy/witgate"
	"policy/witgate/credential"
)

// Rule holds the settings.
type Rule struct {
	secret                  string
	expiresInS              uint32
	refreshed               string
	subjectHeader           string
	hasRefreshed, hasHeader bool
	scopes                  []string
}

// New reads the settings; what is wrong with them they keep themselves.
func New(settings *witgate.Settings) *Rule {
	rule := &Rule{secret: settings.At("secret").NeedString(), expiresInS: settings.At("expires-in-s").IntegerOr(300)}
	rule.refreshed, rule.hasRefreshed = settings.At("refreshed").MaybeString()
	rule.subjectHeader, rule.hasHeader = settings.At("subject-header").MaybeString()
	rule.scopes = settings.At("scopes").Strings()
	return rule
}

// Provide decides on one upstream.
func (r *Rule) Provide(upstream credential.Upstream, identity witgate.Identity, occasion credential.Occasion) (credential.Credential, *witgate.Refusal) {
	for _, scope := range r.scopes {
		if !slices.Contains(identity.Scopes, scope) {
			refusal := witgate.Refuse(witgate.Forbidden, "the upstream needs the scope "+scope)
			return credential.Credential{}, &refusal
		}
	}
	secret := r.secret
	if occasion.Why == credential.Rejected {
		if !r.hasRefreshed {
			refusal := witgate.Refuse(witgate.Unavailable, "the upstream rejected the token, and there is no other")
			refusal.Note = witgate.Some("upstream " + upstream.Id + " at " + upstream.Origin)
			return credential.Credential{}, &refusal
		}
		secret = r.refreshed
	}

	headers := []credential.Header{{Name: "authorization", Value: "Bearer ${secret:" + secret + "}"}}
	if r.hasHeader {
		subject := strings.ReplaceAll(identity.Subject, "${", "$${")
		headers = append(headers, credential.Header{Name: r.subjectHeader, Value: subject})
	}
	expiresInS := r.expiresInS
	if occasion.Why == credential.Expiring {
		expiresInS /= 2
	}
	return credential.Credential{Headers: headers, ExpiresInS: witgate.Some(expiresInS)}, nil
}
