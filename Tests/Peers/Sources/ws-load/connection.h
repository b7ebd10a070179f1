#pragma once

#include "load.h"

/// Begins to connect.
void connection_begin(struct load *load, struct connection *c);

/// Does what its readiness allows. Whatever goes wrong with a connection ends the program.
void connection_ready(struct load *load, struct connection *c, uint32_t events);

/// Writes what the connection owes, as far as the socket takes it.
void connection_flush(struct load *load, struct connection *c);
