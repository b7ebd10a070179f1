import CLinux
import Testing

@testable import Reactor

@Suite struct BacklogTests {
  /// What the first 64 vectors hold.
  private func contents(of backlog: Backlog) -> [UInt8] {
    withUnsafeTemporaryAllocation(of: iovec.self, capacity: 64) { vectors in
      (0..<backlog.fill(vectors)).flatMap {
        Array(UnsafeRawBufferPointer(start: vectors[$0].iov_base, count: vectors[$0].iov_len))
      }
    }
  }

  @Test func `gives back in order what was appended, across blocks`() {
    var pool = BlockPool()
    var backlog = Backlog()
    var model: [UInt8] = []
    var random = SystemRandomNumberGenerator()
    for step in 0..<2_000 {
      if Bool.random(using: &random), model.count < 100_000 {
        let size = Int.random(in: 0...3 * BlockPool.capacity, using: &random)
        let added = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ step) }
        added.withUnsafeBytes { backlog.append($0, from: &pool) }
        model += added
      } else {
        let gone = Int.random(in: 0...model.count, using: &random)
        backlog.removeFirst(gone, to: &pool)
        model.removeFirst(gone)
      }
      #expect(backlog.count == model.count && backlog.isEmpty == model.isEmpty)
      #expect(contents(of: backlog) == model)
    }
    backlog.removeAll(to: &pool)
    #expect(backlog.isEmpty)
    let taken = pool.takenBytes
    #expect(taken == 0)
  }

  @Test func `two share a pool and stay apart`() {
    var pool = BlockPool()
    var one = Backlog()
    var other = Backlog()
    for _ in 0..<3 {
      for byte in [UInt8](0...9) {
        let bytes = [UInt8](repeating: byte, count: BlockPool.capacity / 2)
        bytes.withUnsafeBytes { one.append($0, from: &pool) }
        bytes.reversed().withUnsafeBytes { other.append($0, from: &pool) }
      }
      #expect(contents(of: one) == contents(of: other))
      one.removeAll(to: &pool)
      #expect(contents(of: other).count == 10 * (BlockPool.capacity / 2))
      other.removeAll(to: &pool)
    }
  }

  @Test func `tells what it holds, in whole blocks, and keeps some of it`() {
    var pool = BlockPool()
    var backlog = Backlog()
    let bytes = [UInt8](repeating: 1, count: (BlockPool.keptMax + 10) * BlockPool.capacity)
    bytes.withUnsafeBytes { backlog.append($0, from: &pool) }
    var taken = pool.takenBytes
    #expect(taken == (BlockPool.keptMax + 10) * BlockPool.blockBytes)
    backlog.removeFirst(1, to: &pool)
    taken = pool.takenBytes
    #expect(taken == (BlockPool.keptMax + 10) * BlockPool.blockBytes)
    backlog.removeAll(to: &pool)
    taken = pool.takenBytes
    #expect(taken == 0)
  }
}
