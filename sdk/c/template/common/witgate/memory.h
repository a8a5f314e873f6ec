// One region of memory; witgate.h tells its rules.

#ifndef WITGATE_MEMORY_H
#define WITGATE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// A function of a header that more than one file may include.
#define WG_SHARED __attribute__((weak))

// Room for `count` things of a type, all zero.
#define wg_new(type, count) ((type *)wg_room((count), sizeof(type)))

WG_SHARED bool wg_answered; // A decision was made: its memory may go when the next call brings its arguments.

#ifdef __wasm__

extern unsigned char __heap_base;
WG_SHARED uintptr_t wg_top, wg_kept;

// A plugin that has no memory left traps, which the gate reports as a fault of the plugin.
WG_SHARED _Noreturn void abort(void) { __builtin_trap(); }

WG_SHARED void *malloc(size_t size) {
  if (wg_top == 0) wg_top = wg_kept = ((uintptr_t)&__heap_base + 7) & ~(uintptr_t)7;
  uint64_t end = (uint64_t)wg_top + (((uint64_t)size + 7) & ~(uint64_t)7);
  uint64_t have = (uint64_t)__builtin_wasm_memory_size(0) << 16;
  if (end > have && __builtin_wasm_memory_grow(0, (size_t)((end - have + 0xffff) >> 16)) == SIZE_MAX) abort();
  void *room = (void *)wg_top;
  wg_top = (uintptr_t)end;
  return room;
}

WG_SHARED void free(void *room) { (void)room; }

// A call begins with its first argument that needs room, or else with the function that is called.
static inline void wg_begin(void) {
  if (wg_answered) wg_top = wg_kept;
  wg_answered = false;
}

static inline void wg_keep(void) { wg_kept = wg_top; }

// Called for what the host hands over. The bindings never make a room larger.
WG_SHARED void *realloc(void *room, size_t size) {
  if (room != NULL) abort();
  wg_begin();
  return malloc(size);
}

// With `-mbulk-memory` these are one instruction.
WG_SHARED void *memcpy(void *to, const void *from, size_t n) { return __builtin_memcpy(to, from, n); }
WG_SHARED void *memset(void *to, int byte, size_t n) { return __builtin_memset(to, byte, n); }
WG_SHARED int memcmp(const void *a, const void *b, size_t n) {
  for (size_t i = 0; i < n; i++) {
    int differs = ((const uint8_t *)a)[i] - ((const uint8_t *)b)[i];
    if (differs != 0) return differs;
  }
  return 0;
}
WG_SHARED size_t strlen(const char *text) {
  size_t n = 0;
  while (text[n] != 0) n++;
  return n;
}

#else
static inline void wg_begin(void) {}
static inline void wg_keep(void) {}
#endif

static inline void *wg_room(size_t count, size_t size) {
  if (size != 0 && count > (SIZE_MAX >> 1) / size) abort();
  void *room = malloc(count * size + 1);
  if (room == NULL) abort();
  return memset(room, 0, count * size);
}

#endif
