import ChatCore
import Testing

@testable import ChatBackends

struct LeaseCacheTests {
  private let node = NodeID("server1")!

  private func owner(_ epoch: UInt64) -> RouteOwner {
    RouteOwner(node: node, epoch: epoch, connection: "c")
  }

  @Test func `a route lives while its epoch is the lease's`() {
    var cache = LeaseCache()
    #expect(cache.verdict(on: owner(5)) == .unknown)
    _ = cache.learned(node, lease: 5)
    #expect(cache.verdict(on: owner(4)) == .outdated)
    #expect(cache.verdict(on: owner(5)) == .live)
    #expect(cache.verdict(on: owner(6)) == .unknown)
  }

  @Test func `a lapsed lease may come back`() {
    var cache = LeaseCache()
    _ = cache.learned(node, lease: 5)
    _ = cache.learned(node, lease: nil)
    #expect(cache.verdict(on: owner(5)) == .lapsed)
    #expect(cache.verdict(on: owner(4)) == .outdated)
    _ = cache.learned(node, lease: 5)
    #expect(cache.verdict(on: owner(5)) == .live)
  }

  @Test func `the end of a lease is told once, and so is a new process in its place`() {
    var cache = LeaseCache()
    let told = [5, 5, nil, nil, 6, 7].map { cache.learned(node, lease: $0) }
    #expect(told == [false, false, true, false, false, true])
  }

  @Test func `a node without a lease is forgotten after a while`() {
    var cache = LeaseCache()
    _ = cache.learned(node, lease: nil, asked: 7)
    #expect(cache.verdict(on: owner(7)) == .lapsed)
    #expect(cache.nodes == [node])
    // Look-ups do not count, however many there are.
    for _ in 0..<LeaseCache.absencesMax { _ = cache.learned(node, lease: nil, asked: 7) }
    #expect(cache.nodes == [node])
    for _ in 0..<LeaseCache.absencesMax { _ = cache.learned(node, lease: nil) }
    #expect(cache.nodes == [])
  }

  @Test func `a lease that ended while Redis was away is told, when it stays away`() {
    var cache = LeaseCache()
    _ = cache.learned(node, lease: 5)
    cache.doubtAll()
    #expect(cache.verdict(on: owner(5)) == .unknown)
    #expect(cache.verdict(on: owner(4)) == .outdated)
    #expect(cache.nodes == [node])
    // At first the node may be just about to write it again.
    let told = [nil, nil, nil].map { cache.learned(node, lease: $0) }
    #expect(told == [false, true, false])
    #expect(cache.verdict(on: owner(5)) == .lapsed)
  }

  @Test(arguments: [[5], [nil, 5]] as [[UInt64?]])
  func `a lease that is still there when Redis is back has not ended`(_ answers: [UInt64?]) {
    var cache = LeaseCache()
    _ = cache.learned(node, lease: 5)
    cache.doubtAll()
    let told = answers.map { cache.learned(node, lease: $0) }
    #expect(!told.contains(true))
    #expect(cache.verdict(on: owner(5)) == .live)
    cache.doubtAll()
    let isReplaced = cache.learned(node, lease: 6)
    #expect(isReplaced)
  }

  @Test func `a lease that had ended before Redis was away is not told again`() {
    var cache = LeaseCache()
    _ = cache.learned(node, lease: 5)
    let before = cache.learned(node, lease: nil)
    cache.doubtAll()
    let told = [before] + [nil, nil].map { cache.learned(node, lease: $0) }
    #expect(told == [true, false, false])
  }

  @Test func `the cache is bounded`() {
    var cache = LeaseCache()
    for number in 0..<10_000 { _ = cache.learned(NodeID("n\(number)")!, lease: 1) }
    #expect(cache.nodes.count <= LeaseCache.nodesMax)
    #expect(
      cache.verdict(on: RouteOwner(node: NodeID("n9999")!, epoch: 1, connection: "c")) == .live)
  }
}

struct NodeLeaseTests {
  @Test func `the first lease is acquired whoever older held it`() {
    for previous in [nil, 3, 4] as [UInt64?] {
      var lease = NodeLease(epoch: 4)
      #expect(lease.renewed(previous: previous) == .acquired)
      #expect(lease.renewed(previous: 4) == .unchanged)
    }
  }

  @Test func `a lease that was gone had its routes gone too`() {
    var lease = NodeLease(epoch: 4)
    _ = lease.renewed(previous: nil)
    #expect(lease.renewed(previous: nil) == .registrationsLost)
    #expect(lease.renewed(previous: 4) == .unchanged)
    #expect(lease.renewed(previous: 3) == .registrationsLost)
  }

  @Test func `a newer epoch takes the lease for good`() {
    var lease = NodeLease(epoch: 4)
    _ = lease.renewed(previous: nil)
    #expect(lease.renewed(previous: 9) == .taken(by: 9))
    #expect(lease.isTaken)
    #expect(lease.renewed(previous: nil) == .unchanged)
  }
}
