#pragma once

#include "load.h"

/// Takes the server's frames apart, in whatever pieces they arrive, and checks every byte.
void receive(struct load *load, struct connection *c, const uint8_t *at, const uint8_t *end,
             uint64_t now);
