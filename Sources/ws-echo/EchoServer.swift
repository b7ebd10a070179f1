import ArgumentParser
import Gateway
import Glibc
import Reactor
import TLS
import WebSocket

/// `ws-echo`: every message comes back. The smallest program over the Gateway, and what
/// conformance suites talk to.
@main
struct EchoServer: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ws-echo", abstract: "Echoes WebSocket messages on every path.")

  @Option(help: "The address to listen on; port 0 lets the kernel choose.")
  var listen = "127.0.0.1:9001"

  @Option(help: "Threads that hold connections.")
  var eventLoops = 1

  @Flag(help: "Compress messages where the client can do it too.")
  var compression = false

  @Option(help: "With --compression: connections of a thread that may keep their contexts.")
  var compressionContexts = 0

  @Option(help: "A PEM file with a certificate and its chain: speak TLS.")
  var tlsCert: String?

  @Option(help: "A PEM file with the certificate's key.")
  var tlsKey: String?

  /// Wide: suites send messages of 16 MiB, in as many fragments as they like, at any rate; and they
  /// want all compressed that may be.
  private var limits: GatewayLimits {
    var limits = GatewayLimits()
    limits.message.messageBytesMax = 16 << 20
    limits.message.fragmentsMax = 65_536
    limits.pendingBytesMax = 64 << 20
    limits.controlFramesMax = nil
    if compression {
      var policy = CompressionPolicy(contextsMax: compressionContexts)
      policy.messageBytesMin = 0
      limits.compression = policy
    }
    return limits
  }

  func run() throws {
    guard let colon = listen.lastIndex(of: ":"),
      let port = UInt16(listen[listen.index(after: colon)...]),
      let address = SocketAddress(numericHost: String(listen[..<colon]), port: port)
    else { throw ValidationError("--listen takes ADDRESS:PORT with a numeric address") }
    guard (1...256).contains(eventLoops) else {
      throw ValidationError("--event-loops takes a number from 1 to 256")
    }
    guard compressionContexts >= 0 else {
      throw ValidationError("--compression-contexts takes no negative number")
    }
    let tls = try tlsContext()
    signal(SIGPIPE, SIG_IGN)
    let loop = try EventLoop(name: "echo-0")
    let start = EchoStart(
      on: loop, address: address, tls: tls, limits: limits, workers: eventLoops)
    for index in 1..<eventLoops {
      _ = LoopThread(name: "echo-\(index)") { [news = start.news] loop in
        EchoWorker.join(index, on: loop, news: news)
      }
    }
    EchoWorker.join(0, on: loop, news: start.news)
    loop.run()
    if let failure = start.failure { throw failure }
  }

  private func tlsContext() throws -> TLSContext? {
    switch (tlsCert, tlsKey) {
    case (let certificate?, let key?):
      return try TLSContext(certificate: certificate, key: key, tickets: TicketKeys())
    case (nil, nil): return nil
    case (_?, nil), (nil, _?):
      throw ValidationError("--tls-cert and --tls-key belong together")
    }
  }
}
