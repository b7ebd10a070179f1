import Glibc

/// Writes a line to standard error; standard output is for the result.
func printError(_ line: String) {
  var line = "chat-bench: \(line)\n"
  // What cannot be written to standard error cannot be told anywhere.
  _ = line.withUTF8 { write(STDERR_FILENO, $0.baseAddress, $0.count) }
}
