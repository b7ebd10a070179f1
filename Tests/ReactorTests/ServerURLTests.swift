import Reactor
import Testing

struct ServerURLTests {
  @Test func `reads every part and its escapes`() throws {
    let url = try #require(
      ServerURL("amqp://al%40ice:p%3Aw@host:5673/a%2Fb", scheme: "amqp", defaultPort: 5672))
    #expect(url.user == "al@ice")
    #expect(url.password == "p:w")
    #expect(url.host == "host")
    #expect(url.port == 5673)
    #expect(url.path == "a/b")
    #expect(url.description == "amqp://host:5673/a/b")
  }

  @Test func `fills in what is left out`() throws {
    let url = try #require(ServerURL("redis://[::1]", scheme: "redis", defaultPort: 6379))
    #expect(url.host == "::1")
    #expect(url.port == 6379)
    #expect(url.user == nil && url.password == nil && url.path == nil)
    #expect(url.description == "redis://[::1]:6379")
  }

  @Test func `a password needs no user`() {
    let url = ServerURL("redis://:secret@h/2", scheme: "redis", defaultPort: 6379)
    #expect(url?.user == nil)
    #expect(url?.password == "secret")
    #expect(url?.path == "2")
  }

  @Test func `takes the parameters that it is told of, and no others`() {
    func parse(_ text: String) -> ServerURL? {
      ServerURL(text, scheme: "amqps", defaultPort: 5671, parameters: ["file", "name"])
    }
    #expect(parse("amqps://h/v?file=%2Fa+b&name=")?.parameters == ["file": "/a+b", "name": ""])
    #expect(parse("amqps://h?file=/a?b=c")?.parameters == ["file": "/a?b=c"])
    #expect(parse("amqps://h?file=a")?.path == nil)
    #expect(parse("amqps://u:p@h?file=a")?.description == "amqps://h:5671")
    for query in ["", "file", "other=1", "file=a&file=b", "file=a&", "file=%4", "file=a#"] {
      #expect(parse("amqps://h?" + query) == nil, "\(query)")
    }
  }

  @Test(arguments: [
    "", "redis://", "http://h", "redis://h:0", "redis://h:65536", "redis://h:x", "redis://h:",
    "redis://[::1", "redis://[::1]x", "redis://u%4@h", "redis://u%zz@h", "redis://%ff@h",
    "redis://h?x", "redis://h#x", "redis://h /", "redis://u:p@", "redis://h:1:2",
  ])
  func `refuses anything else`(_ text: String) {
    #expect(ServerURL(text, scheme: "redis", defaultPort: 6379) == nil)
  }
}

struct BackoffTests {
  @Test func `doubles up to its bound and starts again`() {
    var backoff = Backoff(delayMin: .milliseconds(100), delayMax: .seconds(1)) { $0.upperBound }
    let waits = (0..<6).map { _ in backoff.next() }
    #expect(waits == [100, 200, 400, 800, 1000, 1000].map { .milliseconds($0) })
    backoff.reset()
    #expect(backoff.next() == .milliseconds(100))
  }

  @Test func `jitter reaches from nothing to the bound`() {
    for _ in 0..<100 {
      var backoff = Backoff(delayMin: .milliseconds(8), delayMax: .milliseconds(8))
      #expect((.zero...(.milliseconds(8))).contains(backoff.next()))
    }
  }
}
