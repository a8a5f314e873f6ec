package witgate

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Type is what a JSON text is. The functions of this file find their way in text that the host has checked; they are
// smaller than a parser and start faster.
type Type uint8

// The types of JSON.
const (
	Null Type = iota
	Boolean
	Number
	String
	Array
	Object
)

// TypeOf tells a type by the first byte.
func TypeOf(json string) Type {
	if json == "" {
		return Null
	}
	switch json[0] {
	case '"':
		return String
	case '[':
		return Array
	case '{':
		return Object
	case 't', 'f':
		return Boolean
	case 'n':
		return Null
	}
	return Number
}

// Integer reads a JSON integer of 32 bits, without a sign.
func Integer(json string) (uint32, bool) {
	number, err := strconv.ParseUint(json, 10, 32)
	return uint32(number), err == nil
}

var unescaped = map[byte]byte{'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', '"': '"', '\\': '\\', '/': '/'}

// Unquote returns the text that a JSON string stands for; half of a surrogate pair becomes U+FFFD.
func Unquote(json string) string {
	if len(json) < 2 {
		return ""
	}
	json = json[1 : len(json)-1]
	if strings.IndexByte(json, '\\') < 0 {
		return json
	}
	text := make([]byte, 0, len(json))
	for i := 0; i < len(json); i++ {
		if json[i] != '\\' {
			text = append(text, json[i])
			continue
		}
		i++
		if json[i] != 'u' {
			text = append(text, unescaped[json[i]])
			continue
		}
		scalar := hex4(json[i+1:])
		i += 4
		if scalar>>10 == 0x36 && strings.HasPrefix(json[i+1:], `\u`) {
			if low := hex4(json[i+3:]); low>>10 == 0x37 {
				scalar = 0x10000 + (scalar&0x3ff)<<10 | low&0x3ff
				i += 6
			}
		}
		text = utf8.AppendRune(text, scalar) // Half of a pair is no rune, for which it writes U+FFFD.
	}
	return string(text)
}

func hex4(digits string) rune {
	value, _ := strconv.ParseUint(digits[:4], 16, 32)
	return rune(value)
}

// Quote returns the JSON string that stands for a text.
func Quote(text string) string {
	const digits = "0123456789abcdef"
	json := []byte{'"'}
	for i := 0; i < len(text); i++ {
		c := text[i]
		if short := strings.IndexByte("\b\f\n\r\t", c); short >= 0 {
			json = append(json, '\\', "bfnrt"[short])
		} else if c < 0x20 {
			json = append(json, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		} else if c == '"' || c == '\\' {
			json = append(json, '\\', c)
		} else {
			json = append(json, c)
		}
	}
	return string(append(json, '"'))
}

// Token writes a name as a token of a pointer (RFC 6901).
func Token(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}

// Member returns a member of an object that you keep the text of; of a Document, ask the host.
func Member(json, name string) (string, bool) {
	for _, item := range items(json) {
		if Unquote(item.name) == name {
			return item.value, true
		}
	}
	return "", false
}

// A value of an array, or of an object with its name as a JSON string.
type item struct{ name, value string }

func items(json string) []item {
	var found []item
	rest := json
	step := func() string { // Past a bracket, a comma or a colon, and over the value behind it.
		if rest == "" {
			return ""
		}
		rest = strings.TrimLeft(rest[1:], " \t\r\n")
		end := valueEnd(rest)
		value := rest[:end]
		rest = strings.TrimLeft(rest[end:], " \t\r\n")
		return value
	}
	for first := step(); first != ""; first = step() {
		if TypeOf(json) == Object {
			found = append(found, item{first, step()})
		} else {
			found = append(found, item{"", first})
		}
	}
	return found
}

func valueEnd(json string) int {
	depth := 0
	for at := 0; at < len(json); at++ {
		switch c := json[at]; c {
		case '"':
			for at++; json[at] != '"'; at++ {
				if json[at] == '\\' {
					at++
				}
			}
			if depth == 0 {
				return at + 1
			}
		case '[', '{':
			depth++
		case ']', '}':
			if depth == 0 {
				return at
			}
			if depth--; depth == 0 {
				return at + 1
			}
		case ',', ':', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return at
			}
		}
	}
	return len(json)
}
