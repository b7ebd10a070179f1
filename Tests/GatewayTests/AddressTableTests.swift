import Forwarding
import Testing

@testable import Gateway

@Suite struct AddressTableTests {
  private let alice = IPAddress("203.0.113.7")!
  private let bob = IPAddress("203.0.113.8")!

  @Test func `counts each address up to its limit, and forgets it with its last`() {
    var table = AddressTable()
    let first = table.add(alice, countMax: 2)!
    let second = table.add(alice, countMax: 2)!
    #expect(first == second)
    let third = table.add(alice, countMax: 2)
    #expect(third == nil)
    let other = table.add(bob, countMax: 1)!
    #expect(other != first)
    #expect(table[first] == alice)
    #expect(table[other] == bob)
    #expect([table.count(of: alice), table.count(of: bob), table.addressCount] == [2, 1, 2])
    for _ in 0..<2 { table.remove(first) }
    #expect([table.count(of: alice), table.count(of: bob), table.addressCount] == [0, 1, 1])
    let none = [table.add(bob, countMax: 0), table.add(alice, countMax: 0)]
    #expect(none == [nil, nil])
  }

  @Test func `a place is given to another when its address has gone`() {
    var table = AddressTable()
    let first = table.add(alice, countMax: 1)!
    table.remove(first)
    let second = table.add(bob, countMax: 1)!
    #expect(second == first)
    #expect(table[second] == bob)
    #expect(table.count(of: alice) == 0)
  }

  @Test func `of IPv6 the subscriber's network is counted`() {
    var table = AddressTable()
    let place = table.add(IPAddress("2001:db8:1:2::1")!, countMax: 2)!
    let neighbour = table.add(IPAddress("2001:db8:1:2:ffff::2")!, countMax: 2)
    let third = table.add(IPAddress("2001:db8:1:2::3")!, countMax: 2)
    let stranger = table.add(IPAddress("2001:db8:1:3::1")!, countMax: 2)
    #expect([neighbour, third] == [place, nil])
    #expect(stranger != nil && stranger != place)
    #expect(table[place] == IPAddress("2001:db8:1:2::"))
  }

  @Test func `who is exempt is counted apart, and by the whole address`() {
    var table = AddressTable()
    let proxy = IPAddress("2001:db8:1:2::1")!
    let neighbour = IPAddress("2001:db8:1:2::2")!
    let places = (0..<3).map { _ in table.add(proxy, countMax: nil)! }
    #expect(table[places[0]] == proxy && table.isExempt(places[0]))
    #expect(table.isCounted(proxy, isExempt: true, at: places[2]))
    let client = table.add(neighbour, countMax: 1)!
    #expect(client != places[0] && !table.isExempt(client))
    #expect(table[client] == IPAddress("2001:db8:1:2::"))
    // Of the network as the neighbour is, when it is not exempt.
    #expect(table.isCounted(proxy, isExempt: false, at: client))
    let another = table.add(proxy, countMax: 1)
    #expect(another == nil)
    #expect([table.count(of: proxy), table.count(of: neighbour), table.addressCount] == [4, 1, 2])
    for place in places { table.remove(place) }
    #expect(table.addressCount == 1)
  }

  @Test func `removing more than was added traps`() async {
    await #expect(processExitsWith: .failure) {
      var table = AddressTable()
      guard let place = table.add(IPAddress(v4: 1), countMax: 1) else { return }
      table.remove(place)
      table.remove(place)
    }
  }
}
