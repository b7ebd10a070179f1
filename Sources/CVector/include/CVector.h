#pragma once

// Loops over bytes that want the widest registers of the machine they run on. The programs are
// built for any x86-64, whose compiler may assume 16 bytes at a time only; clang makes a second
// version of such a loop, and the dynamic linker picks one when the program starts.

#include <stddef.h>
#include <stdint.h>

// XORs `count` bytes in place with the eight bytes of `word`, lowest first, over and over; `count`
// is a multiple of eight.
void cvector_xor(void *bytes, size_t count, uint64_t word);

// The same; returns the bitwise or of the results, as eight bytes.
uint64_t cvector_xor_seen(void *bytes, size_t count, uint64_t word);
