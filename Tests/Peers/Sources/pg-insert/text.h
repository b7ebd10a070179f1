#pragma once

#include <stddef.h>
#include <stdint.h>

/// A PostgreSQL array as text, `{...}`, that grows as needed and keeps its room.
struct array_text {
  char *bytes;
  size_t length;
  size_t room;
};

void array_begin(struct array_text *array);
void array_add_number(struct array_text *array, int64_t value);

/// A word without quotes, backslashes, braces, commas and spaces.
void array_add_word(struct array_text *array, const char *word);

/// Bytes, as `bytea` has them in hexadecimal.
void array_add_bytes(struct array_text *array, const void *bytes, size_t length);

/// Ends it; the text is valid until the next `array_begin`.
const char *array_end(struct array_text *array);
