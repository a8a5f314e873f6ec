//go:build wasm

package runtime

import "unsafe"

// The collector may run while the host asks for memory, and asks for the time; but a component may call nothing then. An
// adapter that has a clock to ask is told to answer from memory meanwhile.
//
//go:wasmimport wasi_snapshot_preview1 adapter_monotonic_clock_set_paused
func pauseClock(paused bool)

// What the host hands over is put here.
//
//go:wasmexport cabi_realloc
func realloc(old unsafe.Pointer, oldSize, align, size uintptr) unsafe.Pointer {
	if old != nil {
		panic("the host asked to move memory")
	}
	pauseClock(true)
	room := Allocate(&arguments, size, align)
	pauseClock(false)
	return room
}
