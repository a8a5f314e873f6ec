// Package rule, the plugin {{name}}, blackens what stands at certain places, and withholds messages with certain texts.
//
//	pointers = ["/content/0/text"]
//	with = "[redacted]"
//	forbidden = ["BEGIN PRIVATE KEY"]
package rule

import (
	"strconv"
	"strings"

	"policy/witgate"
	"policy/witgate/sanitize"
)

// Rule holds the settings.
type Rule struct {
	pointers, forbidden []string
	replacement         string
}

// New reads the settings; what is wrong with them they keep themselves.
func New(settings *witgate.Settings) *Rule {
	return &Rule{
		pointers:    settings.At("pointers").NeedStrings(),
		replacement: witgate.Quote(settings.At("with").StringOr("[redacted]")),
		forbidden:   settings.At("forbidden").Strings(),
	}
}

// Sanitize decides on one message.
func (r *Rule) Sanitize(_ witgate.Call, _ witgate.Identity, _ sanitize.Message, payload witgate.Document) sanitize.Verdict {
	if len(r.forbidden) > 0 {
		text := payload.Text()
		for i, forbidden := range r.forbidden {
			if strings.Contains(text, forbidden) {
				refusal := witgate.Refuse(witgate.Forbidden, "the message was withheld")
				refusal.Note = witgate.Some("it contains forbidden text " + strconv.Itoa(i))
				return sanitize.Withhold(refusal)
			}
		}
	}
	var edits []witgate.Edit
	for _, pointer := range r.pointers {
		if payload.Get(pointer).IsSome() {
			edits = append(edits, witgate.Change(pointer, r.replacement))
		}
	}
	if len(edits) == 0 {
		return sanitize.Pass()
	}
	return sanitize.Edits(edits)
}
