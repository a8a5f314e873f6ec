// Package fake has documents for tests that run without a host.
package fake

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"policy/witgate"
)

// Document is a witgate.Document of a JSON text.
type Document string

// Size is the length of the text.
func (d Document) Size() uint32 { return uint32(len(d)) }

// Text is the text.
func (d Document) Text() string { return string(d) }

// Get is the JSON text at a pointer.
func (d Document) Get(pointer string) witgate.Option[string] {
	value := json.RawMessage(d)
	tokens := strings.Split(pointer, "/")
	if tokens[0] != "" {
		return witgate.None[string]()
	}
	for _, token := range tokens[1:] {
		token = strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
		var there bool
		if value, there = within(value, token); !there {
			return witgate.None[string]()
		}
	}
	return witgate.Some(string(bytes.TrimSpace(value)))
}

func within(value json.RawMessage, token string) (json.RawMessage, bool) {
	var object map[string]json.RawMessage
	if json.Unmarshal(value, &object) == nil && object != nil {
		member, there := object[token]
		return member, there
	}
	var array []json.RawMessage
	index, err := strconv.ParseUint(token, 10, 32)
	if err != nil || json.Unmarshal(value, &array) != nil || index >= uint64(len(array)) {
		return nil, false
	}
	return array[index], true
}
