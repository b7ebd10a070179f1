import ChatCore
import ChatProtocol
import TestServers
import Testing

/// What every registry promises about tokens.
struct TokenContractTests {
  /// Slow enough that none comes back in a test.
  private let slow = 0.0001

  @Test(arguments: RegistryKind.allCases)
  func `all nodes take from one bucket`(_ kind: RegistryKind) async throws {
    let fixture = try RegistryFixture(kind)
    let one = try await fixture.start("server1")
    let two = try await fixture.start("server2")
    #expect(await one.take(3, "bob", rate: slow, burst: 5) == .tokens(count: 3, wait: 0))
    #expect(await two.take(10, "bob", rate: slow, burst: 5) == .tokens(count: 2, wait: 0))
    #expect(await two.take(10, "carol", rate: slow, burst: 5) == .tokens(count: 5, wait: 0))
    guard case .tokens(count: 0, let wait) = await one.take(1, "bob", rate: slow, burst: 5) else {
      return #expect(Bool(false), "the bucket was not empty")
    }
    // The time for one token, less what has passed.
    #expect((1...10_000_000_001_000).contains(wait))
    #expect(wait > 5_000_000_000_000)
  }

  @Test(arguments: RegistryKind.allCases)
  func `tokens come back`(_ kind: RegistryKind) async throws {
    let node = try await RegistryFixture(kind).start("server1")
    #expect(await node.take(5, "bob", rate: 20, burst: 5) == .tokens(count: 5, wait: 0))
    let one = RegistryReply.Result.tokens(count: 1, wait: 0)
    #expect(await eventually { await node.take(1, "bob", rate: 20, burst: 5) == one })
  }

  @Test(arguments: RegistryKind.allCases)
  func `a bucket that was emptied by a slower rate is waited for no longer than by this one`(
    _ kind: RegistryKind
  ) async throws {
    let node = try await RegistryFixture(kind).start("server1")
    _ = await node.take(5, "bob", rate: slow, burst: 5)
    guard case .tokens(count: 0, let wait) = await node.take(1, "bob", rate: 0.01, burst: 5) else {
      return #expect(Bool(false), "the bucket was not empty")
    }
    #expect((1...100_000_001_000).contains(wait))
  }

  @Test(arguments: RegistryKind.allCases)
  func `no token is given twice`(_ kind: RegistryKind) async throws {
    let fixture = try RegistryFixture(kind)
    let nodes = [try await fixture.start("server1"), try await fixture.start("server2")]
    let taken = await withTaskGroup(of: Int.self) { group in
      for task in 0..<8 {
        let (node, slow) = (nodes[task % 2], slow)
        group.addTask {
          var taken = 0
          for _ in 0..<40 {
            if case .tokens(let count, _) = await node.take(1, "bob", rate: slow, burst: 100) {
              taken += count
            }
          }
          return taken
        }
      }
      return await group.reduce(0, +)
    }
    #expect(taken == 100)
  }
}

extension RegistryNode {
  func take(_ count: Int, _ user: String, rate: Double, burst: Int) async
    -> RegistryReply.Result?
  {
    await submit([.takeTokens(UserID(user)!, count: count, rate: rate, burst: burst)]).first
  }
}
