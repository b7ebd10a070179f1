import CFuzzer
import Fuzzers
import Glibc

/// Runs one fuzzer: `fuzz --parser=NAME`, with libFuzzer's options and folders behind it.
///
/// Where the program is linked without libFuzzer, what follows are files, and each is run once.
/// The name has two dashes so that libFuzzer leaves it alone, and gives it to the processes that it
/// starts itself.
@main
enum Fuzz {
  private static let option = "--parser="

  static func main() {
    guard let name = CommandLine.arguments.first(where: { $0.hasPrefix(option) }),
      let fuzzer = Fuzzer(rawValue: String(name.dropFirst(option.count)))
    else {
      let names = Fuzzer.allCases.map(\.name).sorted()
      print(names.joined(separator: "\n"))
      exit(CommandLine.arguments.contains("--list") ? 0 : 64)
    }
    if cfuzzer_is_there() != 0 {
      Self.fuzzer = fuzzer
      exit(
        cfuzzer_run(CommandLine.argc, CommandLine.unsafeArgv) { bytes, count in
          Fuzz.fuzzer.run(UnsafeRawBufferPointer(start: bytes, count: count))
          return 0
        })
    }
    for file in CommandLine.arguments.dropFirst() where !file.hasPrefix("-") {
      replay(file, fuzzer)
    }
  }

  /// Set once, before libFuzzer calls back: its callback takes no context.
  nonisolated(unsafe) private static var fuzzer = Fuzzer.http

  private static func replay(_ file: String, _ fuzzer: Fuzzer) {
    guard let bytes = contents(of: file) else {
      print("\(file): cannot be read")
      exit(66)
    }
    bytes.withUnsafeBytes { fuzzer.run($0) }
    print("\(file): passed")
  }

  private static func contents(of path: String) -> [UInt8]? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 64 * 1024)
    while case let count = fread(&chunk, 1, chunk.count, file), count > 0 {
      bytes += chunk[..<count]
    }
    return bytes
  }
}
