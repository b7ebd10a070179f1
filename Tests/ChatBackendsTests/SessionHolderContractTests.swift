import ChatCore
import TestServers
import Testing

/// What every registry promises about clients' sessions.
struct SessionHolderContractTests {
  @Test(arguments: RegistryKind.allCases)
  func `the first to claim a session holds it, and only it can release it`(
    _ kind: RegistryKind
  ) async throws {
    let fixture = try RegistryFixture(kind)
    let one = try await fixture.start("server1")
    let two = try await fixture.start("server2")
    #expect(await two.submit([.sessionHolder("/s/abc")]) == [.holder(nil)])
    #expect(await one.submit([.claimSession("/s/abc")]) == [.holder(one.id)])
    #expect(await two.submit([.claimSession("/s/abc")]) == [.holder(one.id)])
    #expect(await one.submit([.claimSession("/s/abc")]) == [.holder(one.id)])
    #expect(await two.submit([.sessionHolder("/s/abc")]) == [.holder(one.id)])
    #expect(await two.submit([.claimSession("/s/other")]) == [.holder(two.id)])
    _ = await two.submit([.releaseSession("/s/abc")])
    #expect(await two.submit([.sessionHolder("/s/abc")]) == [.holder(one.id)])
    _ = await one.submit([.releaseSession("/s/abc")])
    #expect(await two.submit([.claimSession("/s/abc")]) == [.holder(two.id)])
  }

  @Test(arguments: RegistryKind.allCases)
  func `a session of a node that has ended is anybody's`(_ kind: RegistryKind) async throws {
    let fixture = try RegistryFixture(kind)
    let one = try await fixture.start("server1")
    let two = try await fixture.start("server2", epoch: 1)
    #expect(await two.submit([.claimSession("/s/abc")]) == [.holder(two.id)])
    await two.stop()
    // What is known of a lease may be a second old.
    #expect(await eventually { await one.submit([.sessionHolder("/s/abc")]) == [.holder(nil)] })
    #expect(await one.submit([.claimSession("/s/abc")]) == [.holder(one.id)])
    // A later process of the node has none of its sessions.
    let later = try await fixture.start("server2", epoch: 2)
    #expect(await later.submit([.claimSession("/s/abc")]) == [.holder(one.id)])
  }

  @Test(arguments: RegistryKind.allCases)
  func `of two that claim at once one holds`(_ kind: RegistryKind) async throws {
    let fixture = try RegistryFixture(kind)
    let one = try await fixture.start("server1")
    let two = try await fixture.start("server2")
    for round in 0..<50 {
      async let first = one.submit([.claimSession("/s/\(round)")])
      async let second = two.submit([.claimSession("/s/\(round)")])
      let answers = await (first, second)
      #expect(answers.0 == answers.1)
    }
  }
}
