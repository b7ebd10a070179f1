import ChatCore
import ChatProtocol
import Gateway
import Logging
import Reactor
import TLS
import WebSocket

/// What the control loop asks of a worker.
enum WorkerOrder: Sendable {
  case start(WorkerStart)
  /// Answered with `WorkerNews.report`.
  case report
  /// For the handshakes that begin from now on.
  case useTLS(TLSContext)
  case stopListening
  case stop
}

/// What a worker needs besides its thread.
struct WorkerStart: Sendable {
  var node: NodeInfo
  var address: SocketAddress
  var backEnds: BackEnds
  /// The mailboxes of all workers, by shard.
  var hubs: [Mailbox<HubMail>]
  var sockJS: [Mailbox<SockJSNews>]
  var gatewayLimits: GatewayLimits
  var hubLimits: HubLimits
  var origins: OriginPolicy
  var proxies: ProxyPolicy
  var sockJSSettings: ChatSockJS
  var tls: TLSContext?
  var seed: UInt64
  var isReady: @Sendable () -> Bool
}

/// What a worker tells the control loop.
enum WorkerNews: Sendable {
  case joined(Int, WorkerMailboxes)
  case listening(Int, SocketAddress)
  case failed(Int, SystemError)
  case report(WorkerReport)
}

/// The ways to a worker.
struct WorkerMailboxes: Sendable {
  var hub: Mailbox<HubMail>
  var sockJS: Mailbox<SockJSNews>
  var orders: Mailbox<WorkerOrder>
}

/// A worker's figures since it started; `longestTurn` since the report before.
struct WorkerReport: Sendable {
  var gateway: GatewayCounters
  var hub: HubCounters
  var sockJS: SockJSCounters
  var stompSessions: Int
  var longestTurn: Duration
  var backlogBytes: Int

  /// Whether no session is left, nor a request for one.
  var isDrained: Bool {
    gateway.webSockets == 0 && hub.sessions == 0 && sockJS.sessions == 0 && sockJS.exchanges == 0
  }
}

/// One event loop with its share of the connections, on a thread of its own or, when it is the only
/// one, on that of the control loop.
///
/// Confined to that thread; the control loop speaks to it through `WorkerOrder`.
final class WorkerThread {
  private let index: Int
  private let loop: EventLoop
  private let news: Mailbox<WorkerNews>
  private let log: Logger
  private let ownsLoop: Bool
  private var hubMailbox: Mailbox<HubMail>?
  private var worker: Worker?
  private var sockJS: SockJSServer?
  private var application: ChatApplication?
  private var nextPauseLog = Instant(nanoseconds: .min)

  /// Between two log lines about the same want of descriptors.
  private static let pauseLogInterval = Duration.seconds(60)

  /// Starts the thread, which first tells its mailboxes and then waits for orders.
  static func start(_ index: Int, news: Mailbox<WorkerNews>, log: Logger) -> LoopThread {
    LoopThread(name: "loop-\(index)") { loop in
      WorkerThread(index: index, loop: loop, news: news, log: log, ownsLoop: true).join()
    }
  }

  /// Makes the only worker of a node on the control loop.
  static func share(_ loop: EventLoop, news: Mailbox<WorkerNews>, log: Logger) {
    WorkerThread(index: 0, loop: loop, news: news, log: log, ownsLoop: false).join()
  }

  private init(
    index: Int, loop: EventLoop, news: Mailbox<WorkerNews>, log: Logger, ownsLoop: Bool
  ) {
    self.ownsLoop = ownsLoop
    self.index = index
    self.loop = loop
    self.news = news
    self.log = log
  }

  /// Makes the mailboxes, whose receivers keep this object alive as long as the loop.
  private func join() {
    let hub = loop.makeMailbox(HubMail.self) { self.application?.receive($0) }
    let sockJS = loop.makeMailbox(SockJSNews.self) { self.sockJS?.receive($0) }
    let orders = loop.makeMailbox(WorkerOrder.self) { for order in $0 { self.carryOut(order) } }
    hubMailbox = hub
    news.post(.joined(index, WorkerMailboxes(hub: hub, sockJS: sockJS, orders: orders)))
  }

  private func carryOut(_ order: WorkerOrder) {
    switch order {
    case .start(let start): self.start(start)
    case .report: report()
    case .useTLS(let context): worker?.tls = context
    case .stopListening: worker?.stopListening()
    // A loop that is shared goes on until the back ends have stopped, which need it.
    case .stop:
      if ownsLoop { return loop.stop() }
      worker?.stopListening()
      application?.stop()
    }
  }

  private func start(_ start: WorkerStart) {
    guard let hubMailbox else { preconditionFailure("started before it joined") }
    let hub = Hub(
      node: start.node, limits: start.hubLimits, isAlone: start.backEnds.isAlone,
      seed: start.seed)
    let sockJS = SockJSServer.chat(
      on: loop, start.sockJSSettings, origins: start.origins, limits: start.gatewayLimits,
      place: SockJSPlace(
        node: start.node.id, shard: start.node.shard, loops: start.sockJS,
        registry: start.backEnds.isAlone ? nil : start.backEnds.registry, bus: start.backEnds.bus))
    let application = ChatApplication(
      loop: loop, hub: hub, sockJS: sockJS, backEnds: start.backEnds, mailbox: hubMailbox,
      others: start.hubs.filter { $0 !== hubMailbox }, isReady: start.isReady)
    let worker = Worker(
      loop: loop, limits: start.gatewayLimits, origins: start.origins, proxies: start.proxies,
      application: application,
      pingTimeoutCode: CloseCode(ChatCloseCode.pingTimeout.rawValue), log: log)
    self.sockJS = sockJS
    self.application = application
    worker.tls = start.tls
    self.worker = worker
    do throws(SystemError) {
      let address = try worker.listen(on: start.address, isFirst: start.node.shard == 0) {
        self.acceptingPaused($0)
      }
      news.post(.listening(index, address))
    } catch {
      news.post(.failed(index, error))
    }
  }

  private func acceptingPaused(_ error: SystemError) {
    guard loop.now >= nextPauseLog else { return }
    nextPauseLog = loop.now + Self.pauseLogInterval
    log.warning("accepting paused", metadata: ["error": "\(error)"])
  }

  /// Always answers, also before the start: whoever asked waits for every worker.
  private func report() {
    let report = WorkerReport(
      gateway: worker?.counters ?? GatewayCounters(), hub: application?.counters ?? HubCounters(),
      sockJS: sockJS?.figures ?? SockJSCounters(),
      stompSessions: application?.stompSessionCount ?? 0, longestTurn: loop.longestTurn,
      backlogBytes: loop.backlogBytes)
    loop.resetLongestTurn()
    news.post(.report(report))
  }
}
