import ArgumentParser
import Gateway
import Glibc
import HTTP1
import Reactor
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

  /// Wide: suites send messages of 16 MiB, in as many fragments as they like, at any rate.
  private static var limits: GatewayLimits {
    var limits = GatewayLimits()
    limits.message.messageBytesMax = 16 << 20
    limits.message.fragmentsMax = 65_536
    limits.pendingBytesMax = 64 << 20
    limits.controlFramesMax = nil
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
    signal(SIGPIPE, SIG_IGN)
    let loop = try EventLoop(name: "echo-0")
    let bound = try Self.serve(on: loop, address, isFirst: true)
    for index in 1..<eventLoops {
      _ = LoopThread(name: "echo-\(index)") { loop in
        do throws(SystemError) {
          _ = try Self.serve(on: loop, bound, isFirst: false)
        } catch {
          preconditionFailure("a second loop could not listen: \(error)")
        }
      }
    }
    print("listening on \(bound)")
    fflush(nil)
    loop.run()
  }

  /// Puts a worker on the loop, which its listener keeps alive.
  private static func serve(
    on loop: EventLoop, _ address: SocketAddress, isFirst: Bool
  ) throws(SystemError) -> SocketAddress {
    let worker = Worker(
      loop: loop, limits: limits, origins: .any, application: EchoApplication(),
      pingTimeoutCode: .goingAway)
    return try worker.listen(on: address, isFirst: isFirst) { _ in }
  }
}

/// Sends every message back, and reads no more from a peer that does not take its echoes.
final class EchoApplication: Application {
  func answer(_ request: RequestHead, body: [UInt8], on connection: ClientConnection) -> Answer {
    .webSocket(subprotocols: [])
  }

  func opened(_ channel: Channel, request: RequestHead) {}

  func received(_ kind: MessageKind, _ payload: UnsafeRawBufferPointer, on channel: Channel) {
    channel.send(kind, payload)
  }

  func closed(_ channel: Channel) {}

  func congestionChanged(_ isCongested: Bool, on channel: Channel) {
    channel.setReading(!isCongested)
  }
}
