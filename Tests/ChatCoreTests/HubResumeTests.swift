import ChatProtocol
import Simulation
import Testing

@testable import ChatCore

@Suite
struct HubResumeTests {
  private let fromBob = Address.user(bob)

  @Test
  func `sends what the device missed, in order, after ready`() {
    let driver = HubDriver()
    for number in 1...5 { driver.write(bob, alice, "b\(number)") }
    let session = driver.connect(alice, resume: [fromBob: 3])
    #expect(driver.taken(session) == ["ready", "@bob 4", "@bob 5"])
  }

  @Test
  func `a device without memory begins at the heads`() {
    let driver = HubDriver()
    driver.write(bob, alice, "b1")
    let session = driver.connect(alice)
    driver.arrive(driver.write(bob, alice, "b2"))
    #expect(driver.taken(session) == ["ready", "@bob 2"])
  }

  @Test
  func `a conversation that began while the device was away comes from its start`() {
    let driver = HubDriver()
    driver.write(bob, alice, "b1")
    driver.write(carol, alice, "c1")
    let session = driver.connect(alice, resume: [fromBob: 1])
    #expect(driver.taken(session) == ["ready", "@carol 1"])
  }

  @Test
  func `a place above the head counts as the head`() {
    let driver = HubDriver()
    driver.write(bob, alice, "b1")
    let session = driver.connect(alice, resume: [fromBob: 900, .user(carol): 5, .room("r"): 5])
    driver.arrive(driver.write(bob, alice, "b2"))
    #expect(driver.taken(session) == ["ready", "@bob 2"])
  }

  @Test
  func `says gap past the limit and goes on from the head`() {
    var limits = HubLimits()
    limits.resumedMessagesMax = 5
    limits.resumePageMax = 2
    let driver = HubDriver(limits: limits)
    for number in 1...9 { driver.write(bob, alice, "b\(number)") }
    for number in 1...3 { driver.write(carol, alice, "c\(number)") }
    let session = driver.connect(alice, resume: [fromBob: 1, .user(carol): 2])
    driver.arrive(driver.write(bob, alice, "b10"))
    let taken = driver.taken(session)
    #expect(
      taken.filter { !$0.contains("carol") } == [
        "ready", "@bob 2", "@bob 3", "@bob 4", "@bob 5", "gap @bob 5-10", "@bob 10",
      ])
    #expect(taken.filter { $0.contains("carol") } == ["@carol 3"])
  }

  @Test
  func `live messages wait behind the missed ones`() {
    let driver = HubDriver()
    for number in 1...3 { driver.write(bob, alice, "b\(number)") }
    let first = driver.connect(alice)
    _ = driver.take(first)
    driver.isStoreHeld = true
    let second = driver.connect(alice, device: "d2", resume: [fromBob: 1])
    // Answers the load; the read of the missed messages is under way then.
    let load = driver.heldRequests[0]
    let states = driver.store.perform(load.operation)
    driver.turn { $0.completed([StoreReply(token: load.token, result: states)]) }
    #expect(driver.taken(second) == ["ready"])
    driver.arrive(driver.write(bob, alice, "b4"))
    #expect(driver.taken(first) == ["@bob 4"])
    #expect(driver.taken(second) == [])
    driver.releaseStore()
    #expect(driver.taken(second) == ["@bob 2", "@bob 3", "@bob 4"])
    driver.arrive(driver.write(bob, alice, "b5"))
    #expect(driver.taken(first) == ["@bob 5"])
    #expect(driver.taken(second) == ["@bob 5"])
  }

  @Test
  func `a device that is ahead of its user's other devices gets nothing twice`() {
    let driver = HubDriver()
    let behind = driver.connect(alice)
    let messages = (1...3).map { driver.write(bob, alice, "b\($0)") }
    // The second device had 1 and 2 from another node; the first waits for them.
    let ahead = driver.connect(alice, device: "d2", resume: [fromBob: 2])
    driver.arrive(messages[0], messages[1], messages[2])
    #expect(driver.taken(behind) == ["ready", "@bob 1", "@bob 2", "@bob 3"])
    #expect(driver.taken(ahead) == ["ready", "@bob 3"])
  }

  @Test
  func `goes on after the store was away`() {
    let driver = HubDriver()
    for number in 1...3 { driver.write(bob, alice, "b\(number)") }
    driver.isStoreHeld = true
    let session = driver.connect(alice, resume: [fromBob: 1])
    let load = driver.heldRequests[0]
    let states = driver.store.perform(load.operation)
    driver.turn { $0.completed([StoreReply(token: load.token, result: states)]) }
    driver.isStoreAway = true
    driver.releaseStore()
    #expect(driver.taken(session) == ["ready"])
    driver.pass(.seconds(100))
    #expect(driver.taken(session) == [])
    driver.isStoreAway = false
    driver.pass(.seconds(2))
    #expect(driver.taken(session) == ["@bob 2", "@bob 3"])
  }

  @Test
  func `reads that fail one after the other are tried again one after the other`() {
    let driver = HubDriver()
    let others = (0..<8).map { UserID("user\($0)")! }
    for other in others { driver.write(other, alice, "c-\(other.name)") }
    driver.isStoreAway = true
    driver.isStoreHeld = true
    let resume = Dictionary(uniqueKeysWithValues: others.map { (Address.user($0), UInt64(0)) })
    let session = driver.connect(alice, resume: resume)
    driver.isStoreAway = false
    driver.releaseFirst()
    driver.isStoreAway = true
    for _ in 0..<8 {
      driver.pass(.milliseconds(3))
      driver.releaseFirst()
    }
    driver.releaseStore()
    let count = driver.storeRequests.count
    driver.pass(.seconds(20))
    // Every two seconds at last, each of eight.
    #expect(80...120 ~= driver.storeRequests.count - count)
    driver.isStoreAway = false
    driver.pass(.seconds(2))
    #expect(driver.taken(session).count == 9)
  }

  @Test
  func `a congested session is not sent what it missed until it can take it`() {
    var limits = HubLimits()
    limits.resumePageMax = 1
    let driver = HubDriver(limits: limits)
    for number in 1...3 { driver.write(bob, alice, "b\(number)") }
    driver.isStoreHeld = true
    let session = driver.connect(alice, resume: [fromBob: 1])
    driver.turn { $0.setCongested(session, true) }
    driver.releaseStore()
    #expect(driver.taken(session) == ["ready"])
    driver.turn { $0.setCongested(session, false) }
    #expect(driver.taken(session) == ["@bob 2", "@bob 3"])
  }

  // MARK: While live

  @Test
  func `of long messages a part of a page is sent at a time, and all in the end`() {
    var limits = HubLimits()
    limits.pageBytesMax = 1
    let driver = HubDriver(limits: limits)
    for number in 1...5 { driver.write(bob, alice, "b\(number)") }
    let session = driver.connect(alice, resume: [fromBob: 1])
    #expect(driver.taken(session) == ["ready", "@bob 2", "@bob 3", "@bob 4", "@bob 5"])
    let reads = driver.storeRequests.filter { if case .messages = $0 { true } else { false } }
    #expect(reads.count == 4)
  }

  @Test
  func `a live session goes back to what its device holds`() {
    let driver = HubDriver()
    for number in 1...3 { driver.write(bob, alice, "b\(number)") }
    let session = driver.connect(alice)
    driver.arrive(driver.write(bob, alice, "b4"))
    #expect(driver.taken(session) == ["ready", "@bob 4"])
    driver.say(.resume(RequestID(json: "1"), [fromBob: 2]), session)
    driver.arrive(driver.write(bob, alice, "b5"))
    #expect(driver.taken(session) == ["ready", "@bob 3", "@bob 4", "@bob 5"])
  }

  @Test
  func `what arrives while a live session goes back comes behind the missed messages, once`() {
    let driver = HubDriver()
    for number in 1...3 { driver.write(bob, alice, "b\(number)") }
    let session = driver.connect(alice)
    let other = driver.connect(alice, device: "d2")
    _ = driver.take(session)
    _ = driver.take(other)
    driver.isStoreHeld = true
    driver.say(.resume(nil, [fromBob: 1]), session)
    driver.arrive(driver.write(bob, alice, "b4"))
    #expect(driver.taken(session).isEmpty)
    driver.releaseStore()
    #expect(driver.taken(session) == ["ready", "@bob 2", "@bob 3", "@bob 4"])
    #expect(driver.taken(other) == ["@bob 4"])
  }

  @Test
  func `a session goes back again when the missed messages on their way to it are through`() {
    let driver = HubDriver()
    for number in 1...3 { driver.write(bob, alice, "b\(number)") }
    let session = driver.connect(alice)
    _ = driver.take(session)
    driver.isStoreHeld = true
    driver.say(.resume(nil, [fromBob: 1]), session)
    driver.say(.resume(nil, [fromBob: 2]), session)
    driver.say(.ping(nil), session)
    #expect(driver.isReading[session] == false)
    driver.releaseStore()
    #expect(driver.taken(session) == ["ready", "@bob 2", "@bob 3", "ready", "pong", "@bob 3"])
    #expect(driver.isReading[session] == true)
  }

  @Test
  func `a session goes back when the messages that its hello missed are through`() {
    var limits = HubLimits()
    limits.resumePageMax = 1
    let driver = HubDriver(limits: limits)
    for number in 1...4 { driver.write(bob, alice, "b\(number)") }
    driver.isStoreHeld = true
    let session = driver.connect(alice, resume: [fromBob: 2])
    driver.say(.resume(nil, [fromBob: 3]), session)
    driver.releaseStore()
    #expect(driver.taken(session) == ["ready", "@bob 3", "@bob 4", "ready", "@bob 4"])
  }
}
