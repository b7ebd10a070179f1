import ChatBackends
import ChatCore
import Gateway
import Glibc
import Logging
import Reactor

/// The back ends of the node as the settings choose them, started and stopped in order.
///
/// Confined to the control loop.
final class NodeBackEnds {
  let ports: BackEnds
  /// The node's epoch: the database's count of its starts.
  let epoch: UInt64
  /// For the log: which back ends these are.
  let summary: String
  private let stopClients: (@escaping () -> Void) -> Void
  private let closeStore: () -> Void

  init(
    ports: BackEnds, epoch: UInt64, summary: String,
    stopClients: @escaping (@escaping () -> Void) -> Void, closeStore: @escaping () -> Void
  ) {
    self.ports = ports
    self.epoch = epoch
    self.summary = summary
    self.stopClients = stopClients
    self.closeStore = closeStore
  }

  /// Drops the node's routes, then its lease; `done` runs on the control loop.
  func stop(_ done: @escaping () -> Void) { stopClients(done) }

  /// Closes the store, when no worker uses it any more. May block.
  func close() { closeStore() }

  /// Opens the node's own database, made if need be.
  static func startEmbedded(
    _ settings: Settings, path: String, log: Logger
  ) throws(StartError) -> NodeBackEnds {
    let store: SQLiteMessageStore
    do throws(StoreStartError) {
      store = try SQLiteMessageStore(path: path, node: settings.node, log: log)
    } catch {
      throw StartError(description: error.description)
    }
    return NodeBackEnds(
      ports: BackEnds(store: store), epoch: store.epoch, summary: "sqlite",
      stopClients: { $0() }, closeStore: { store.close() })
  }
}
