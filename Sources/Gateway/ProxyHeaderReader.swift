import Forwarding
import Glibc
import Reactor

/// A proxy's connection before its PROXY header has told on whose behalf it is.
///
/// Takes the header's bytes out of the socket and not one more, so that whatever comes behind it,
/// TLS or HTTP, finds its own first byte. Then the descriptor is the worker's again, which makes a
/// `ClientConnection` of it: those pay nothing for having been announced.
final class ProxyHeaderReader: EventHandler {
  /// Looked at in one go. Nearly every header is shorter; the rest of a longer one comes next.
  private static let peekBytes = 512

  private let worker: Worker
  private let proxy: IPAddress
  private let descriptor: Int32
  private var token = Token(index: 0, generation: 0)
  private var decoder = ProxyHeaderDecoder()

  /// Takes over the descriptor, unless it throws. The header has the time of a request.
  init(worker: Worker, descriptor: Int32, proxy: IPAddress) throws(SystemError) {
    self.worker = worker
    self.proxy = proxy
    self.descriptor = descriptor
    token = try worker.loop.add(self, descriptor: descriptor, interest: .readable)
    worker.loop.setTimer(for: token, at: worker.loop.now + worker.limits.requestTime)
  }

  func becameReady(_ readiness: Readiness) {
    do throws(ProxyHeaderError) {
      guard let header = try readHeader() else { return }
      worker.loop.remove(token)
      worker.announced(descriptor, by: proxy, header)
    } catch {
      end(error)
    }
  }

  /// Nil when the header has not come whole, or the connection has ended before.
  private func readHeader() throws(ProxyHeaderError) -> ProxyHeader? {
    var outcome = Result<ProxyHeader?, ProxyHeaderError>.success(nil)
    withUnsafeTemporaryAllocation(byteCount: Self.peekBytes, alignment: 8) { buffer in
      let kernel = worker.loop.kernel
      let count = kernel.peek(descriptor, into: buffer)
      guard count > 0 else {
        if count != -Int(EAGAIN) { end(nil) }
        return
      }
      var offset = 0
      do throws(ProxyHeaderError) {
        outcome = .success(
          try decoder.next(in: UnsafeRawBufferPointer(rebasing: buffer[..<count]), at: &offset))
        // What was looked at is there, so this takes it.
        _ = kernel.receive(descriptor, into: .init(rebasing: buffer[..<offset]))
      } catch {
        outcome = .failure(error)
      }
    }
    return try outcome.get()
  }

  func timerFired() { end(nil) }

  private func end(_ error: ProxyHeaderError?) {
    worker.loop.remove(token)
    worker.loop.kernel.close(descriptor)
    worker.notAnnounced(by: proxy, error)
  }
}
