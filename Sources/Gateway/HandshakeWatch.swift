import Forwarding
import Reactor
import TLS

/// Whose a TLS handshake is, from its beginning to its end; the connection's layer holds it so long.
final class HandshakeWatch: StreamLayerObserver {
  let session: TLSSession
  let peer: IPAddress
  /// Where the worker counts the handshake.
  let place: AddressTable.Place
  private let worker: Worker

  init(_ session: TLSSession, of peer: IPAddress, place: AddressTable.Place, on worker: Worker) {
    self.session = session
    self.peer = peer
    self.place = place
    self.worker = worker
  }

  func handshakeEnded(isEstablished: Bool) { worker.ended(self, isEstablished: isEstablished) }
}
