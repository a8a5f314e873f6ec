// What the bindings need of a C library; witgate.h has it.
#ifndef WITGATE_STDLIB_H
#define WITGATE_STDLIB_H
#include <stddef.h>
void *malloc(size_t size);
void *realloc(void *room, size_t size);
void free(void *room);
_Noreturn void abort(void);
#endif
