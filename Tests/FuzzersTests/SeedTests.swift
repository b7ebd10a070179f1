import Foundation
import Fuzzers
import Testing

/// The seeds are inputs like any other, so every run of the tests makes the fuzzers' claims on them.
@Suite struct SeedTests {
  private static let seeds = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Fuzz/seeds")

  private static func contents(of folder: URL) throws -> [URL] {
    try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
  }

  @Test(arguments: Fuzzer.allCases)
  func `a parser takes its seeds`(fuzzer: Fuzzer) throws {
    let files = try Self.contents(of: Self.seeds.appending(path: fuzzer.name))
    #expect(files.count >= 5)
    for file in files {
      try Data(contentsOf: file).withUnsafeBytes { fuzzer.run($0) }
    }
  }

  @Test(arguments: Fuzzer.allCases)
  func `a parser takes nothing at all`(fuzzer: Fuzzer) {
    fuzzer.run(UnsafeRawBufferPointer(start: nil, count: 0))
  }

  @Test func `every folder of seeds belongs to a parser`() throws {
    let folders = try Self.contents(of: Self.seeds).map(\.lastPathComponent)
    #expect(Set(folders) == Set(Fuzzer.allCases.map(\.name)))
  }
}
