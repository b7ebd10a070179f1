#include "text.h"

#include "fail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// Room for `count` more bytes.
static char *grow(struct array_text *array, size_t count) {
  if (array->length + count > array->room) {
    array->room = 2 * (array->room + count);
    array->bytes = realloc(array->bytes, array->room);
    if (!array->bytes) fail("out of memory");
  }
  return array->bytes + array->length;
}

static void add(struct array_text *array, const char *text, size_t length) {
  memcpy(grow(array, length), text, length);
  array->length += length;
}

static void separate(struct array_text *array) {
  if (array->length > 1) add(array, ",", 1);
}

void array_begin(struct array_text *array) {
  array->length = 0;
  add(array, "{", 1);
}

void array_add_number(struct array_text *array, int64_t value) {
  char digits[24];
  separate(array);
  add(array, digits, (size_t)snprintf(digits, sizeof digits, "%ld", (long)value));
}

void array_add_word(struct array_text *array, const char *word) {
  separate(array);
  add(array, word, strlen(word));
}

void array_add_bytes(struct array_text *array, const void *bytes, size_t length) {
  static const char digits[] = "0123456789abcdef", head[] = "\"\\\\x";
  const uint8_t *from = bytes;
  separate(array);
  add(array, head, sizeof head - 1);
  char *to = grow(array, 2 * length);
  for (size_t i = 0; i < length; i++) {
    to[2 * i] = digits[from[i] >> 4];
    to[2 * i + 1] = digits[from[i] & 15];
  }
  array->length += 2 * length;
  add(array, "\"", 1);
}

const char *array_end(struct array_text *array) {
  add(array, "}", 2);
  return array->bytes;
}
