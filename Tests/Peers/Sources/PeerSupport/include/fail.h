#pragma once

/// Prints the program's name and a message to standard error and exits with 1.
///
/// For what a measurement cannot survive, which is everything that goes wrong.
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/// The number in `text`; fails when it is none, or outside of `min...max`.
double number(const char *text, double min, double max);
