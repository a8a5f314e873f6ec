package witgate

import (
	"errors"
	"strconv"
)

// Settings are read as settings.At("keys").NeedItems(). The first that is wrong is kept, and Err tells it; from then on
// the readers return nothing. What is null is absent.
type Settings struct {
	document Document
	wrong    string
}

// NewSettings begins to read a document.
func NewSettings(document Document) *Settings { return &Settings{document: document} }

// Err is what is wrong with the settings, or nil.
func (s *Settings) Err() error {
	if s.wrong == "" {
		return nil
	}
	return errors.New(s.wrong)
}

// At is a setting by its name.
func (s *Settings) At(name string) Setting { return Setting{s, name, "/" + Token(name)} }

// Setting is one setting, with its place.
type Setting struct {
	settings      *Settings
	path, pointer string
}

// At is a member of a setting that is an object.
func (s Setting) At(name string) Setting {
	return Setting{s.settings, s.path + "." + name, s.pointer + "/" + Token(name)}
}

// Wrong says what is wrong with the setting, as "is not a colour".
func (s Setting) Wrong(what string) {
	if s.settings.wrong == "" {
		s.settings.wrong = "setting `" + s.path + "`: " + what
	}
}

// MaybeJSON is the JSON text of whatever it is.
func (s Setting) MaybeJSON() (string, bool) { return s.json(false) }

// NeedJSON is the JSON text of whatever it is.
func (s Setting) NeedJSON() string {
	json, _ := s.json(true)
	return json
}

// MaybeString is a string.
func (s Setting) MaybeString() (string, bool) {
	json, there := s.typed(false, String, "is not a string")
	return Unquote(json), there
}

// StringOr is a string, or another when it is absent.
func (s Setting) StringOr(otherwise string) string {
	if text, there := s.MaybeString(); there {
		return text
	}
	return otherwise
}

// NeedString is a string that has to be there.
func (s Setting) NeedString() string {
	json, _ := s.typed(true, String, "is not a string")
	return Unquote(json)
}

// MaybeInteger is an integer of 0 to 4294967295.
func (s Setting) MaybeInteger() (uint32, bool) {
	json, there := s.json(false)
	if !there {
		return 0, false
	}
	number, fits := Integer(json)
	if !fits {
		s.Wrong("is not an integer")
	}
	return number, fits
}

// IntegerOr is an integer, or another when it is absent.
func (s Setting) IntegerOr(otherwise uint32) uint32 {
	if number, there := s.MaybeInteger(); there {
		return number
	}
	return otherwise
}

// BooleanOr is a boolean, or another when it is absent.
func (s Setting) BooleanOr(otherwise bool) bool {
	if json, there := s.typed(false, Boolean, "is not a boolean"); there {
		return json == "true"
	}
	return otherwise
}

// MaybeObject is the JSON text of an object.
func (s Setting) MaybeObject() (string, bool) { return s.typed(false, Object, "is not an object") }

// NeedObject is the JSON text of an object that has to be there.
func (s Setting) NeedObject() string {
	json, _ := s.typed(true, Object, "is not an object")
	return json
}

// Items are those of an array.
func (s Setting) Items() []Setting { return s.items(false) }

// NeedItems are those of an array that has at least one.
func (s Setting) NeedItems() []Setting { return s.items(true) }

// Strings are those of an array of strings.
func (s Setting) Strings() []string { return texts(s.items(false)) }

// NeedStrings are those of an array of strings that has at least one.
func (s Setting) NeedStrings() []string { return texts(s.items(true)) }

func (s Setting) json(needed bool) (string, bool) {
	if s.settings.wrong != "" {
		return "", false
	}
	json, there := s.settings.document.Get(s.pointer).Get()
	item := s.path[len(s.path)-1] == ']'
	if there && (item || TypeOf(json) != Null) {
		return json, true
	}
	if needed {
		s.Wrong("is missing")
	}
	return "", false
}

func (s Setting) typed(needed bool, want Type, wrong string) (string, bool) {
	json, there := s.json(needed)
	if there && TypeOf(json) != want {
		s.Wrong(wrong)
		return "", false
	}
	return json, there
}

func (s Setting) items(needed bool) []Setting {
	json, _ := s.typed(needed, Array, "is not an array")
	count := len(items(json))
	if needed && count == 0 {
		s.Wrong("is empty")
	}
	list := make([]Setting, count)
	for i := range list {
		number := strconv.Itoa(i)
		list[i] = Setting{s.settings, s.path + "[" + number + "]", s.pointer + "/" + number}
	}
	return list
}

func texts(items []Setting) []string {
	list := make([]string, len(items))
	for i, item := range items {
		list[i] = item.NeedString()
	}
	return list
}
