import ChatCore
import Gateway
import Reactor
import TLS
import WebSocket

/// One event loop of the program with its share of the connections. Confined to the loop.
final class EchoWorker {
  /// What a worker tells the first loop when it can be reached.
  struct Joined: Sendable {
    var index: Int
    var sockJS: Mailbox<SockJSNews>
    var orders: Mailbox<Order>
  }

  /// What the first loop tells a worker when all have joined.
  struct Order: Sendable {
    var address: SocketAddress
    var tls: TLSContext?
    var limits: GatewayLimits
    var loops: [Mailbox<SockJSNews>]
    /// Called on the worker's thread with the address bound.
    var isListening: @Sendable (Result<SocketAddress, SystemError>) -> Void
  }

  private let index: Int
  private let loop: EventLoop
  private var sockJS: SockJSServer?

  /// The mailboxes' receivers keep the worker alive as long as the loop.
  static func join(_ index: Int, on loop: EventLoop, news: Mailbox<Joined>) {
    let worker = EchoWorker(index, loop)
    news.post(
      Joined(
        index: index, sockJS: loop.makeMailbox { worker.sockJS?.receive($0) },
        orders: loop.makeMailbox { for order in $0 { worker.carryOut(order) } }))
  }

  private init(_ index: Int, _ loop: EventLoop) {
    self.index = index
    self.loop = loop
  }

  private func carryOut(_ order: Order) {
    guard let node = NodeID("echo") else { preconditionFailure("echo is a node's name") }
    let sockJS = SockJSServer(
      loop: loop, mounts: EchoApplication.mounts, limits: order.limits,
      place: SockJSPlace(node: node, shard: index, loops: order.loops))
    self.sockJS = sockJS
    let worker = Worker(
      loop: loop, limits: order.limits, origins: .any,
      application: EchoApplication(sockJS: sockJS), pingTimeoutCode: .goingAway)
    worker.tls = order.tls
    do throws(SystemError) {
      order.isListening(
        .success(try worker.listen(on: order.address, isFirst: index == 0) { _ in }))
    } catch {
      order.isListening(.failure(error))
    }
  }
}
