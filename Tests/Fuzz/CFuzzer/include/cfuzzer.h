#pragma once
#include <stddef.h>
#include <stdint.h>

typedef int (*cfuzzer_input)(const uint8_t *bytes, size_t count);

/// Whether the program is linked with libFuzzer.
int cfuzzer_is_there(void);

/// Hands over to libFuzzer, which calls `input` with one input after another and ends the process
/// or returns its status. Traps when it is not there.
int cfuzzer_run(int argc, char **argv, cfuzzer_input input);
