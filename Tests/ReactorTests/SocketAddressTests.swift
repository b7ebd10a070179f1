import Testing

@testable import Reactor

@Suite struct SocketAddressTests {
  @Test(arguments: [
    ("127.0.0.1", "127.0.0.1:80", true), ("127.8.9.1", "127.8.9.1:80", true),
    ("::1", "[::1]:80", true), ("10.0.0.1", "10.0.0.1:80", false),
    ("::", "[::]:80", false), ("0.0.0.0", "0.0.0.0:80", false),
  ])
  func `is written and judged as what it is`(host: String, text: String, isLoopback: Bool) throws {
    let address = try #require(SocketAddress(numericHost: host, port: 80))
    #expect(address.description == text)
    #expect(address.host == host)
    #expect(address.port == 80)
    #expect(address.isLoopback == isLoopback)
  }

  @Test(arguments: ["localhost", "127.0.0.256", "", "127.0.0.1 ", "[::1]"])
  func `takes no names`(host: String) {
    #expect(SocketAddress(numericHost: host, port: 80) == nil)
  }
}
