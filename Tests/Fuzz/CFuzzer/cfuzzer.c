#include "cfuzzer.h"

// Weak, so that an ordinary build links without libFuzzer, and a build with
// -sanitize=fuzzer finds it.
__attribute__((weak)) int LLVMFuzzerRunDriver(int *argc, char ***argv, cfuzzer_input input);

int cfuzzer_is_there(void) { return LLVMFuzzerRunDriver != 0; }

int cfuzzer_run(int argc, char **argv, cfuzzer_input input) {
  if (!LLVMFuzzerRunDriver) __builtin_trap();
  return LLVMFuzzerRunDriver(&argc, &argv, input);
}
