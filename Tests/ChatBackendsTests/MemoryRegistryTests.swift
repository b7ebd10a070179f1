import ChatCore
import ChatProtocol
import Reactor
import Testing

@testable import ChatBackends

struct MemoryTokensTests {
  private let bob = UserID("bob")!

  private func at(_ milliseconds: Int64) -> Instant {
    Instant(nanoseconds: 1_000_000_000_000 + milliseconds * 1_000_000)
  }

  @Test func `tokens come back one by one, at the time that was told`() {
    var tokens = MemoryTokens()
    #expect(tokens.take(10, of: bob, rate: 3, burst: 4, now: at(0)) == (4, 0))
    let (none, wait) = tokens.take(1, of: bob, rate: 3, burst: 4, now: at(0))
    #expect(none == 0)
    #expect((333_333_333...333_333_336).contains(wait))
    let early = Instant(nanoseconds: at(0).nanoseconds + wait - 4)
    #expect(tokens.take(1, of: bob, rate: 3, burst: 4, now: early).count == 0)
    let then = Instant(nanoseconds: at(0).nanoseconds + wait)
    #expect(tokens.take(10, of: bob, rate: 3, burst: 4, now: then) == (1, 0))
    #expect(tokens.take(10, of: bob, rate: 3, burst: 4, now: at(3_000)) == (4, 0))
  }

  @Test func `a bucket holds no more than its burst`() {
    var tokens = MemoryTokens()
    #expect(tokens.take(1, of: bob, rate: 100, burst: 3, now: at(0)) == (1, 0))
    #expect(tokens.take(100, of: bob, rate: 100, burst: 3, now: at(60_000)) == (3, 0))
    #expect(tokens.take(1, of: bob, rate: 100, burst: 3, now: at(60_000)).count == 0)
  }

  @Test func `extreme rates are answered`() {
    for rate in [1e-300, 1e-9, 1e9, 1e300] {
      var tokens = MemoryTokens()
      #expect(tokens.take(2, of: bob, rate: rate, burst: 2, now: at(0)) == (2, 0))
      let (count, wait) = tokens.take(1, of: bob, rate: rate, burst: 2, now: at(0))
      #expect(count == 1 && wait == 0 || count == 0 && wait > 0)
    }
  }

  @Test func `full buckets are forgotten`() {
    var tokens = MemoryTokens()
    for number in 0..<100_000 {
      let user = UserID("user\(number)")!
      _ = tokens.take(1, of: user, rate: 1, burst: 10, now: at(Int64(number)))
    }
    // A thousand of them are not full, at a token a second and a user a millisecond.
    #expect(tokens.count <= 2_100)
    #expect(tokens.count >= 1_000)
  }
}

struct MemoryPresencesTests {
  private let node = NodeID("server1")!
  private let day: Int64 = 86_400_000

  private func hub(_ shard: Int) -> HubKey { HubKey(node: node, shard: shard) }

  @Test func `users who were not seen for long are forgotten, and only they`() {
    var presences = MemoryPresences()
    let leases: [NodeID: UInt64] = [node: 1]
    let there = UserID("there")!
    _ = presences.set(.online, of: there, on: hub(0), epoch: 1, at: 0, leases: leases)
    for number in 0..<20_000 {
      // A hundred of them a day, half a year long.
      let time = Int64(number) * day / 100
      let user = UserID("user\(number)")!
      _ = presences.set(.online, of: user, on: hub(0), epoch: 1, at: time, leases: leases)
      _ = presences.set(.offline, of: user, on: hub(0), epoch: 1, at: time, leases: leases)
    }
    #expect(presences.presence(of: there, leases: leases) == Presence(state: .online))
    let recent = presences.presence(of: UserID("user15000")!, leases: leases)
    #expect(recent == Presence(state: .offline, lastSeen: 150 * day))
    let forgotten = presences.presence(of: UserID("user1000")!, leases: leases)
    #expect(forgotten == Presence(state: .offline))
    #expect(presences.count < 16_000)
  }

  @Test func `who is there is not forgotten, however many were`() {
    var presences = MemoryPresences()
    let leases: [NodeID: UInt64] = [node: 1]
    let there = UserID("there")!
    _ = presences.set(.away, of: there, on: hub(0), epoch: 1, at: 0, leases: leases)
    for number in 0..<(MemoryPresences.usersKeptMax * 5 / 2) {
      let user = UserID("u\(number)")!
      _ = presences.set(.offline, of: user, on: hub(0), epoch: 1, at: 0, leases: leases)
    }
    #expect(presences.count <= MemoryPresences.usersKeptMax * 2)
    #expect(presences.presence(of: there, leases: leases) == Presence(state: .away))
  }
}
