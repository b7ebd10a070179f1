#pragma once

#include <stdint.h>

/// A listener on 127.0.0.1 whose `accept` does not block.
int listen_on(uint16_t port);

/// The next connection, which does not block and does not delay; -1 when none waits.
int accept_from(int listener);
