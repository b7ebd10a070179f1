import Testing

@testable import Forwarding

@Suite struct IPAddressTests {
  @Test(arguments: [
    ("192.0.2.1", "192.0.2.1"), ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"),
    ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"), ("::", "::"), ("fe80::1", "fe80::1"),
    ("::ffff:192.0.2.1", "192.0.2.1"), ("::FFFF:c000:0201", "192.0.2.1"),
    ("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
  ])
  func `is read and written`(text: String, canonical: String) {
    #expect(IPAddress(text)?.description == canonical)
  }

  @Test(arguments: [
    "", "localhost", "192.0.2", "192.0.2.256", "192.0.2.01", "192.0.2.1 ", " 192.0.2.1",
    "192.0.2.1\0", "192.0.2.1:80", "0x7f.0.0.1", "2130706433", "[::1]", "fe80::1%eth0", ":::",
    "1::2::3", "12345::", "::1/64", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "::ffff:192.0.2.1.5",
    String(repeating: "0", count: 46), "１９２.0.2.1",
  ])
  func `is nothing but an address`(text: String) {
    #expect(IPAddress(text) == nil)
  }

  @Test(arguments: [
    ("127.0.0.1", true), ("127.255.0.9", true), ("128.0.0.1", false), ("::1", true),
    ("::2", false), ("::ffff:127.0.0.1", true), ("7f00::1", false), ("::127.0.0.1", false),
  ])
  func `knows the machine's own`(text: String, isLoopback: Bool) {
    #expect(IPAddress(text)?.isLoopback == isLoopback)
  }

  @Test(arguments: [
    ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"), ("3fff::ffff", "3fff::"), ("4000::1", "4000::1"),
    ("fe80::1", "fe80::1"), ("::1", "::1"), ("192.0.2.1", "192.0.2.1"),
  ])
  func `a subscriber has one IPv4 address, or a network of IPv6`(text: String, subscriber: String) {
    #expect(IPAddress(text)?.subscriber == IPAddress(subscriber))
  }
}
