// Package witgate is the help for a plugin in Go, over the generated bindings in gen/.
//
// You write the package rule: New reads the settings, and one method decides. What a call, an identity and the rest
// hold is told in gen/witgate_types_types; what a verdict can be, in the package of the kind beside this one.
package witgate

import (
	"policy/gen/witgate_types_types"
	"policy/wit/types"
)

// What all kinds share.
type (
	Call     = witgate_types_types.Call
	Identity = witgate_types_types.Identity
	Claim    = witgate_types_types.Claim
	Edit     = witgate_types_types.Edit
	Finding  = witgate_types_types.Finding
	Refusal  = witgate_types_types.Refusal
	Code     = witgate_types_types.RefusalCode
)

// Why a call is refused.
const (
	Unauthenticated = witgate_types_types.RefusalCodeUnauthenticated
	Forbidden       = witgate_types_types.RefusalCodeForbidden
	Invalid         = witgate_types_types.RefusalCodeInvalid
	Exhausted       = witgate_types_types.RefusalCodeExhausted
	Unavailable     = witgate_types_types.RefusalCodeUnavailable
)

// Option is a value that may be absent; its method Get is like a look into a map.
type Option[T any] = types.Option[T]

// Some is a value that is there.
func Some[T any](value T) Option[T] { return types.Some(value) }

// None is an absent value.
func None[T any]() Option[T] { return types.None[T]() }

// Document is JSON that the host holds; only what is asked for is copied. In a test, see the package fake.
type Document interface {
	// Size is the length of Text, without copying it.
	Size() uint32
	// Text is the whole JSON text.
	Text() string
	// Get is the JSON text at an RFC 6901 pointer.
	Get(pointer string) Option[string]
}

// GetString is the string at a pointer, if there is one.
func GetString(document Document, pointer string) (string, bool) {
	json, there := document.Get(pointer).Get()
	if !there || TypeOf(json) != String {
		return "", false
	}
	return Unquote(json), true
}

// Refuse is a refusal with nothing but a code and a message.
func Refuse(code Code, message string) Refusal { return Refusal{Code: code, Message: message} }

// Change is an edit that puts JSON text at a pointer.
func Change(pointer, json string) Edit { return Edit{Pointer: pointer, Value: Some(json)} }

// Configured is what the bindings want to hear of New.
func Configured(err error) types.Result[types.Unit, string] {
	if err != nil {
		return types.Err[types.Unit](err.Error())
	}
	return types.Ok[types.Unit, string](types.Unit{})
}
