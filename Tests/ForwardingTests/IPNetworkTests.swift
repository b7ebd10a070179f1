import Testing

@testable import Forwarding

@Suite struct IPNetworkTests {
  @Test(arguments: [
    (
      "10.0.0.0/8", ["10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3"],
      ["9.255.255.255", "11.0.0.0"]
    ),
    ("192.0.2.128/25", ["192.0.2.128", "192.0.2.255"], ["192.0.2.127", "192.0.3.0"]),
    ("192.0.2.1", ["192.0.2.1"], ["192.0.2.0", "192.0.2.2"]),
    ("192.0.2.1/32", ["192.0.2.1"], ["192.0.2.0", "192.0.2.2"]),
    ("0.0.0.0/0", ["0.0.0.0", "255.255.255.255"], ["::", "2001:db8::1"]),
    ("2001:db8::/32", ["2001:db8::", "2001:db8:ffff::1"], ["2001:db9::", "2001:db7::"]),
    ("2001:db8::/64", ["2001:db8::ffff"], ["2001:db8:0:1::"]),
    ("2001:db8::/65", ["2001:db8::7fff:0:0:0"], ["2001:db8::8000:0:0:0"]),
    ("::1", ["::1"], ["::", "::2", "127.0.0.1"]),
    ("::/0", ["::", "2001:db8::1"], ["127.0.0.1", "::ffff:10.0.0.1"]),
    ("::ffff:10.0.0.0/104", ["10.1.2.3"], ["11.0.0.0", "::"]),
  ])
  func `has what begins with its bits`(text: String, inside: [String], outside: [String]) throws {
    let network = try #require(IPNetwork(text))
    for address in inside { #expect(network.contains(IPAddress(address)!), "\(address)") }
    for address in outside { #expect(!network.contains(IPAddress(address)!), "\(address)") }
    #expect(IPNetwork(network.description) == network)
  }

  @Test(arguments: [
    "", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/8/8",
    "10.0.0.0/0008", "10.0.0.1/8", "2001:db8::/129", "2001:db8::1/64", "::ffff:0.0.0.0/95",
    "proxy.example", "10.0.0.0/255.0.0.0", "10.0.0.0/８",
  ])
  func `is refused where it is not certain what is meant`(text: String) {
    #expect(IPNetwork(text) == nil)
  }
}
