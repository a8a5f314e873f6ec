// Package rule, the plugin {{name}}, lets in who presents an API key that is in the settings.
//
//	header = "x-api-key"
//	keys = [{ subject = "ada", key = "…", scopes = ["read"] }]
package rule

import (
	"crypto/subtle"

	"policy/witgate"
	"policy/witgate/auth"
)

// Rule holds the keys.
type Rule struct {
	header string
	keys   []key
}

type key struct {
	subject, key string
	scopes       []string
}

// New reads the settings; what is wrong with them they keep themselves.
func New(settings *witgate.Settings) *Rule {
	rule := &Rule{header: settings.At("header").StringOr("x-api-key")}
	for _, item := range settings.At("keys").NeedItems() {
		item.NeedObject()
		rule.keys = append(rule.keys, key{
			subject: item.At("subject").NeedString(),
			key:     item.At("key").NeedString(),
			scopes:  item.At("scopes").Strings(),
		})
	}
	return rule
}

// Authenticate decides on one call.
func (r *Rule) Authenticate(call witgate.Call, headers []auth.Header, _ auth.Peer) auth.Verdict {
	var presented [][]byte
	for _, header := range headers {
		if header.Name == r.header {
			presented = append(presented, header.Value)
		}
	}
	switch len(presented) {
	case 0:
		return auth.Abstain()
	case 1:
	default:
		return auth.Deny(witgate.Refuse(witgate.Invalid, "more than one key was presented"))
	}

	who := r.known(presented[0])
	if who == nil {
		return auth.Demand(auth.Challenge{
			Scheme:      "ApiKey",
			Error:       witgate.Some("invalid_token"),
			Description: witgate.Some("the key is not known"),
		})
	}
	claims := []witgate.Claim{{Name: "tenant", Value: call.Tenant}}
	return auth.Allow(witgate.Identity{Subject: who.subject, Issuer: "api-key", Scopes: who.scopes, Claims: claims})
}

// All keys are compared, so that the time taken does not tell which one it was like.
func (r *Rule) known(presented []byte) *key {
	var found *key
	for i := range r.keys {
		if subtle.ConstantTimeCompare(presented, []byte(r.keys[i].key)) == 1 && found == nil {
			found = &r.keys[i]
		}
	}
	return found
}
