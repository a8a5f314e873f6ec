// Package runtime has what the bindings need of memory and handles.
package runtime

import (
	"runtime"
	"unsafe"
)

// Handle is the number of a resource that the host holds; 0 once it was given back.
type Handle struct{ value int32 }

// MakeHandle wraps a number.
func MakeHandle(value int32) *Handle { return &Handle{value} }

// Use returns the number.
func (h *Handle) Use() int32 {
	if h.value == 0 {
		panic("a document was used after it had been dropped")
	}
	return h.value
}

// Set changes the number.
func (h *Handle) Set(value int32) { h.value = value }

// Take returns the number, which then is the caller's to give back.
func (h *Handle) Take() int32 {
	value := h.Use()
	h.value = 0
	return value
}

// TakeOrNil is Take, and 0 when there is nothing to take.
func (h *Handle) TakeOrNil() int32 {
	value := h.value
	h.value = 0
	return value
}

// Allocate returns memory that stays where it is until the pinner is told.
func Allocate(pinner *runtime.Pinner, size, align uintptr) unsafe.Pointer {
	if size == 0 {
		return nil
	}
	words := make([]uint64, (size+7)/8)
	room := unsafe.Pointer(unsafe.SliceData(words))
	pinner.Pin(room)
	return room
}

var arguments runtime.Pinner

// Unpin is called when the arguments of a call have found their owners.
func Unpin() { arguments.Unpin() }
