import ChatCore
import ChatProtocol
import Testing

/// The contract of `MessageStore` where several nodes share one database.
@Suite struct MessageStoreConcurrencyTests {
  @Test(arguments: StoreKind.allCases)
  func `leaves no gap when two nodes write the same conversations`(
    _ kind: StoreKind
  ) async throws {
    try await withDatabase(kind) { database in
      let stores = [
        try await database.open(node("server1")), try await database.open(node("server2")),
      ]
      let peers = (0..<10).map { "peer\($0)" }
      await withTaskGroup(of: Void.self) { group in
        for writer in 0..<8 {
          group.addTask {
            for round in 0..<25 {
              // Each writer in an order of its own, so that locks taken in the order given clash.
              let order = writer.isMultiple(of: 2) ? peers : peers.reversed()
              let results = await stores[writer % 2].ask(
                order.map { .append(draft(to: $0, cid: "\(writer)-\(round)-\($0)")) })
              for result in results { #expect(result.isStoredAnew, "\(result)") }
            }
          }
        }
      }
      for peer in peers {
        let history = await stores[0].history(draft(to: peer, cid: "").conversation)
        #expect(history.map(\.sequence) == Array(1...200))
        #expect(Set(history.map(\.clientID)).count == 200)
      }
    }
  }

  @Test(arguments: StoreKind.allCases)
  func `stores one client id sent 50 times at once through two nodes once`(
    _ kind: StoreKind
  ) async throws {
    try await withDatabase(kind) { database in
      let stores = [
        try await database.open(node("server1")), try await database.open(node("server2")),
      ]
      for round in 1...10 {
        let results = await withTaskGroup(of: StoreReply.Result.self) { group in
          for index in 0..<50 {
            group.addTask { await stores[index % 2].append(draft(cid: "c\(round)")) }
          }
          return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(results.filter(\.isStoredAnew).count == 1)
        let again = StoreReply.Result.stored(UInt64(round), again: true)
        #expect(results.filter { $0 == again }.count == 49)
      }
      #expect(await stores[1].history(draft(cid: "").conversation).count == 10)
    }
  }

  @Test(arguments: StoreKind.allCases)
  func `gives one client id in two conversations at once to one of them`(
    _ kind: StoreKind
  ) async throws {
    try await withDatabase(kind) { database in
      let stores = [
        try await database.open(node("server1")), try await database.open(node("server2")),
      ]
      for round in 1...20 {
        async let one = stores[0].append(draft(to: "bob", cid: "c\(round)"))
        async let other = stores[1].append(draft(to: "carol", cid: "c\(round)"))
        let results = await [one, other]
        #expect(results.filter { $0 == .conflict }.count == 1)
        #expect(results.filter(\.isStoredAnew).count == 1)
      }
      let bob = await stores[0].history(draft(to: "bob", cid: "").conversation)
      let carol = await stores[0].history(draft(to: "carol", cid: "").conversation)
      #expect(bob.map(\.sequence) == (0..<bob.count).map { UInt64($0) + 1 })
      #expect(bob.count + carol.count == 20)
    }
  }
}

extension StoreReply.Result {
  var isStoredAnew: Bool {
    if case .appended(_, _, isDuplicate: false) = self { true } else { false }
  }
}
