import Testing

@testable import Forwarding

@Suite struct TrustedProxiesTests {
  private let proxies = TrustedProxies([IPNetwork("10.0.0.0/8")!, IPNetwork("2001:db8:a::/48")!])

  private func client(_ fields: [String], of peer: String = "10.0.0.1") -> String {
    let fields = fields.map { Array($0.utf8)[...] }
    return proxies.client(of: IPAddress(peer)!, forwardedFor: fields).description
  }

  @Test(arguments: [
    (["203.0.113.7"], "203.0.113.7"),
    (["198.51.100.1, 203.0.113.7"], "203.0.113.7"),
    (["198.51.100.1, 203.0.113.7, 10.0.0.2,10.0.0.3"], "203.0.113.7"),
    (["198.51.100.1", "203.0.113.7", "10.0.0.2"], "203.0.113.7"),
    (["203.0.113.7, 10.0.0.2", "2001:db8:a::1"], "203.0.113.7"),
    (["203.0.113.7,, \t,", ""], "203.0.113.7"),
    (["  203.0.113.7\t"], "203.0.113.7"),
    (["203.0.113.7:4711"], "203.0.113.7"),
    (["2001:db8:b::7"], "2001:db8:b::7"),
    (["[2001:db8:b::7]"], "2001:db8:b::7"),
    (["[2001:db8:b::7]:4711"], "2001:db8:b::7"),
    (["::ffff:203.0.113.7"], "203.0.113.7"),
  ])
  func `the client is the last who is no trusted proxy`(fields: [String], expected: String) {
    #expect(client(fields) == expected)
  }

  @Test(arguments: [
    ([], "10.0.0.1"), ([""], "10.0.0.1"), ([" , "], "10.0.0.1"),
    (["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
  ])
  func `where all are proxies, the farthest is the client`(fields: [String], expected: String) {
    #expect(client(fields) == expected)
  }

  @Test(arguments: [
    "unknown", "_hidden", "203.0.113", "203.0.113.7:", "203.0.113.7:x", "203.0.113.7:65536",
    "203.0.113.7:080", "203.0.113.7 198.51.100.1", "[203.0.113.7]", "[2001:db8:b::7", "[]",
    "[2001:db8:b::7]4711", "[2001:db8:b::7]:", "2001:db8:b::7]", "\"203.0.113.7\"",
    "for=203.0.113.7",
    "203.0.113.7;198.51.100.1", String(repeating: "1", count: 16_000),
  ])
  func `an element that is no address ends the list`(element: String) {
    #expect(client(["203.0.113.9, \(element)"]) == "10.0.0.1")
    #expect(client(["203.0.113.9, \(element), 10.0.0.2"]) == "10.0.0.2")
    #expect(client(["\(element), 203.0.113.8"]) == "203.0.113.8")
  }

  @Test func `a peer that is no trusted proxy is the client, whatever it says`() {
    #expect(client(["203.0.113.7"], of: "198.51.100.1") == "198.51.100.1")
    #expect(TrustedProxies().client(of: .unspecified, forwardedFor: []) == .unspecified)
  }

  @Test func `a long list of proxies costs its length`() {
    let proxies = Array(repeating: "10.0.0.2", count: 200_000).joined(separator: ",")
    #expect(client(["203.0.113.7," + proxies]) == "203.0.113.7")
    #expect(client([String(repeating: ",", count: 1_000_000)]) == "10.0.0.1")
  }
}
