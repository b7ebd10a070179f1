internal import CLinux
internal import Glibc

/// A POSIX thread.
package struct Thread: Sendable {
  private let handle: pthread_t

  /// Starts `body` on a new thread. `join()` must be called once.
  package init(name: String, _ body: @escaping @Sendable () -> Void) {
    handle = Self.start(body)
    clinux_set_thread_name(handle, String(name.prefix(15)))
  }

  /// Waits until the body has returned.
  package func join() { pthread_join(handle, nil) }

  /// Starts `body` on a thread that nobody waits for.
  static func detached(_ body: @escaping @Sendable () -> Void) { pthread_detach(start(body)) }

  private static func start(_ body: @escaping @Sendable () -> Void) -> pthread_t {
    var handle = pthread_t()
    let box = Unmanaged.passRetained(Body(run: body))
    let result = pthread_create(
      &handle, nil,
      { pointer in
        Unmanaged<Body>.fromOpaque(pointer!).takeRetainedValue().run()
        return nil
      }, box.toOpaque())
    precondition(result == 0, "pthread_create failed: out of threads or memory at start-up")
    return handle
  }

  private final class Body: Sendable {
    let run: @Sendable () -> Void
    init(run: @escaping @Sendable () -> Void) { self.run = run }
  }
}

/// An event loop with the thread that runs it.
package struct LoopThread: Sendable {
  private let thread: Thread

  /// Makes a loop on a new thread, has `setUp` put its handlers on it, and runs it until it stops.
  package init(name: String, _ setUp: @escaping @Sendable (EventLoop) -> Void) {
    thread = Thread(name: name) {
      do throws(SystemError) {
        let loop = try EventLoop(name: name)
        setUp(loop)
        loop.run()
      } catch {
        preconditionFailure("no event loop could be made at start-up: \(error)")
      }
    }
  }

  /// Waits until the loop has stopped.
  package func join() { thread.join() }
}
