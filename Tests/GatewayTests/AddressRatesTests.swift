import Forwarding
import Testing

@testable import Gateway

@Suite struct AddressRatesTests {
  private let alice = IPAddress("203.0.113.7")!
  private let bob = IPAddress("203.0.113.8")!
  private let second: Int64 = 1_000_000_000

  @Test func `an address may do it so often at once, and then at the rate`() {
    var rates = AddressRates(rate: 2, burst: 3)
    #expect(admitted(alice, 5, &rates, now: 0) == 3)
    #expect(admitted(bob, 1, &rates, now: 0) == 1)
    #expect(admitted(alice, 1, &rates, now: second / 2 - 1_000) == 0)
    #expect(admitted(alice, 2, &rates, now: second / 2) == 1)
    #expect(admitted(alice, 4, &rates, now: 60 * second) == 3)
  }

  @Test func `of IPv6 the subscriber's network is counted`() {
    var rates = AddressRates(rate: 1, burst: 1)
    #expect(admitted(IPAddress("2001:db8:1:2::1")!, 1, &rates, now: 0) == 1)
    #expect(admitted(IPAddress("2001:db8:1:2:ffff::9")!, 1, &rates, now: 0) == 0)
    #expect(admitted(IPAddress("2001:db8:1:3::1")!, 1, &rates, now: 0) == 1)
  }

  @Test func `whose bucket is full again is forgotten, and only they`() {
    var rates = AddressRates(rate: 1, burst: 2)
    for number in 0..<5_000 {
      // One new address every 10 ms; each is forgotten a second later.
      _ = rates.admit(address(number), now: Int64(number) * second / 100)
    }
    #expect(rates.count < 2_100)
    let now = 50 * second
    #expect(admitted(alice, 3, &rates, now: now) == 2)
    for number in 5_000..<9_000 { _ = rates.admit(address(number), now: now) }
    #expect(admitted(alice, 1, &rates, now: now) == 0)
  }

  @Test func `an attack from everywhere takes a bounded memory`() {
    var rates = AddressRates(rate: 0.001, burst: 1)
    for number in 0..<(AddressRates.bucketsMax * 3) { _ = rates.admit(address(number), now: 0) }
    #expect(rates.count <= AddressRates.bucketsMax * 2)
  }

  private func admitted(
    _ address: IPAddress, _ times: Int, _ rates: inout AddressRates, now: Int64
  ) -> Int {
    (0..<times).count { _ in rates.admit(address, now: now) }
  }

  private func address(_ number: Int) -> IPAddress {
    IPAddress("10.\(number >> 16 & 255).\(number >> 8 & 255).\(number & 255)")!
  }
}
