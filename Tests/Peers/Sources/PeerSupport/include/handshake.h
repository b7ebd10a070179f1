#pragma once

#include <stdbool.h>
#include <stddef.h>

/// Writes the 101 answer to a request into `answer` and returns its length; 0 when the request,
/// a zero-terminated text, is not whole or has no key. Nothing else of it is checked.
size_t answer_handshake(const char *request, char *answer, size_t room);
