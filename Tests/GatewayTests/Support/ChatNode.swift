import ChatBackends
import ChatCore
import Foundation
import Gateway
import Logging
import Reactor
import WebSocket

/// A node of one worker over a database in a folder of its own.
final class ChatNode {
  private let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("chat-\(UUID().uuidString)")
  private let store: SQLiteMessageStore
  let server: TestServer
  /// What `/readyz` says.
  let isReady = Locked(true)
  private(set) var mailbox: Mailbox<HubMail>?

  init(limits: HubLimits = HubLimits()) throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let node = NodeID("server1")!
    let store = try SQLiteMessageStore(
      path: folder.appendingPathComponent("chat.db").path, node: node,
      log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    self.store = store
    let isReady = isReady
    var made: Mailbox<HubMail>?
    server = try TestServer(isClockRunning: true) { loop in
      let hub = Hub(
        node: NodeInfo(id: node, epoch: store.epoch, shard: 0, shardCount: 1),
        limits: limits, isAlone: true, seed: 1)
      let box = Application()
      let mailbox = loop.makeMailbox(HubMail.self) { box.application?.receive($0) }
      made = mailbox
      let sockJS = SockJSServer.chat(
        on: loop, ChatSockJS(), origins: .any, limits: GatewayLimits(),
        place: SockJSPlace(node: node, shard: 0, loops: []))
      let application = ChatApplication(
        loop: loop, hub: hub, sockJS: sockJS,
        backEnds: BackEnds(store: store, registry: MemoryRegistry(node: node)), mailbox: mailbox,
        others: [], isReady: { isReady.withLock { $0 } })
      box.application = application
      return application
    }
    mailbox = made
  }

  /// What the mailbox is made before.
  private final class Application { var application: ChatApplication? }

  /// Removes everything that was written so far.
  func removeAll() {
    let done = DispatchSemaphore(value: 0)
    let operation = StoreRequest.Operation.removeExpired(
      keptSince: .max, now: 0, limit: .max)
    store.submit([StoreRequest(token: 0, operation: operation)]) { _ in done.signal() }
    done.wait()
  }

  deinit {
    store.close()
    try? FileManager.default.removeItem(at: folder)
  }
}
