// Package rule, the plugin {{name}}, shares calls out over the upstreams that are well, by weight.
//
//	weights = { big = 3, small = 1 }     an upstream that is not named weighs 1
package rule

import (
	"slices"

	"policy/witgate"
	"policy/witgate/route"
)

// Rule holds the JSON text of the weights.
type Rule struct{ weights string }

// New reads the settings; what is wrong with them they keep themselves.
func New(settings *witgate.Settings) *Rule {
	weights, _ := settings.At("weights").MaybeObject()
	return &Rule{weights}
}

// Route decides on one call.
func (r *Rule) Route(call witgate.Call, _ witgate.Identity, candidates []route.Candidate) route.Verdict {
	var eligible []string
	var total, sum uint64
	for _, candidate := range candidates {
		if candidate.Healthy && candidate.Circuit != route.Open {
			eligible = append(eligible, candidate.Id)
			total += r.weight(candidate.Id)
		}
	}
	if len(eligible) == 0 {
		refusal := witgate.Refuse(witgate.Unavailable, "no upstream is healthy")
		refusal.RetryAfterMs = witgate.Some(uint32(1000))
		return route.Refuse(refusal)
	}
	if total == 0 {
		return route.Abstain()
	}

	point := uint64(call.Chance) % total
	picked := slices.IndexFunc(eligible, func(id string) bool {
		sum += r.weight(id)
		return sum > point
	})
	order := []string{eligible[picked]}
	order = append(order, eligible[:picked]...)
	return route.Order(append(order, eligible[picked+1:]...))
}

func (r *Rule) weight(id string) uint64 {
	json, _ := witgate.Member(r.weights, id)
	if weight, fits := witgate.Integer(json); fits {
		return uint64(weight)
	}
	return 1
}
