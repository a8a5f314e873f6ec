// Package types has what WIT knows and Go does not: options and results.
package types

// The tags of options and results, as the bindings ask for them.
const (
	OptionNone uint8 = 0
	OptionSome uint8 = 1
	ResultOk   uint8 = 0
	ResultErr  uint8 = 1
)

// Unit is the value of a result that has none.
type Unit struct{}

// Option is a value that may be absent.
type Option[T any] struct {
	there bool
	value T
}

// None is an absent value.
func None[T any]() Option[T] { return Option[T]{} }

// Some is a value that is there.
func Some[T any](value T) Option[T] { return Option[T]{true, value} }

// Get returns the value and whether it is there, as a map does.
func (o Option[T]) Get() (T, bool) { return o.value, o.there }

// IsSome tells whether the value is there.
func (o Option[T]) IsSome() bool { return o.there }

// Some returns the value. It panics when there is none.
func (o Option[T]) Some() T {
	if !o.there {
		panic("an option without a value was asked for it")
	}
	return o.value
}

// Tag returns OptionNone or OptionSome.
func (o Option[T]) Tag() uint8 {
	if o.there {
		return OptionSome
	}
	return OptionNone
}

// Result is a value or an error.
type Result[T, E any] struct {
	failed bool
	ok     T
	err    E
}

// Ok is a result with a value.
func Ok[T, E any](value T) Result[T, E] { return Result[T, E]{ok: value} }

// Err is a result with an error.
func Err[T, E any](err E) Result[T, E] { return Result[T, E]{failed: true, err: err} }

// IsOk tells whether there is a value.
func (r Result[T, E]) IsOk() bool { return !r.failed }

// IsErr tells whether there is an error.
func (r Result[T, E]) IsErr() bool { return r.failed }

// Ok returns the value. It panics when there is an error.
func (r Result[T, E]) Ok() T {
	if r.failed {
		panic("a result with an error was asked for its value")
	}
	return r.ok
}

// Err returns the error. It panics when there is a value.
func (r Result[T, E]) Err() E {
	if !r.failed {
		panic("a result with a value was asked for its error")
	}
	return r.err
}

// Tag returns ResultOk or ResultErr.
func (r Result[T, E]) Tag() uint8 {
	if r.failed {
		return ResultErr
	}
	return ResultOk
}
