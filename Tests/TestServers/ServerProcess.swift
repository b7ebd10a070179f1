import Foundation

/// A server that a shell starts and ends for us, and ends by itself when this process is gone.
///
/// The shell reads commands from a pipe. When that closes, however the tests ended, it stops the
/// server and removes its folder.
package final class ServerProcess: @unchecked Sendable {
  // Safe to share: `lock` is held around every use of the pipes.
  private let lock = NSLock()
  private let shell = Process()
  private let commands = Pipe()
  private let answers = Pipe()

  package struct Plan {
    /// Run once, before the first start.
    package var prepare: String
    /// Becomes the server: one command, without redirections.
    package var command: String
    /// Succeeds once the server takes connections.
    package var isReady: String
    /// The signal that ends it in order.
    package var stopSignal: String
    /// Removed at the end.
    package var directory: String

    package init(
      prepare: String, command: String, isReady: String, stopSignal: String, directory: String
    ) {
      self.prepare = prepare
      self.command = command
      self.isReady = isReady
      self.stopSignal = stopSignal
      self.directory = directory
    }
  }

  package struct Failure: Error, CustomStringConvertible {
    package let description: String
    package init(description: String) { self.description = description }
  }

  /// Prepares the server; `start()` comes next.
  package init(_ plan: Plan) throws {
    shell.executableURL = URL(fileURLWithPath: "/bin/sh")
    shell.arguments = ["-c", Self.script(plan)]
    shell.standardInput = commands
    shell.standardOutput = answers
    shell.standardError = FileHandle.standardError
    try shell.run()
    try expect(answer: "prepared")
  }

  /// Returns once the server takes connections.
  package func start() throws { try send("start") }
  /// Ends the server in order, and waits for it.
  package func stop() throws { try send("stop") }
  package func kill() throws { try send("kill") }
  /// Stops the server and its children in their tracks: connections stay, nothing answers.
  package func freeze() throws { try send("freeze") }
  package func thaw() throws { try send("thaw") }

  /// Kills -9 one child of the server whose command line contains the text.
  package func killChild(named text: String) throws { try send("kill-child \(text)") }

  private func send(_ command: String) throws {
    lock.lock()
    defer { lock.unlock() }
    try commands.fileHandleForWriting.write(contentsOf: Data("\(command)\n".utf8))
    try expect(answer: String(command.prefix { $0 != " " }))
  }

  private func expect(answer: String) throws {
    var line: [UInt8] = []
    while let byte = try answers.fileHandleForReading.read(upToCount: 1)?.first, byte != 10 {
      line.append(byte)
    }
    let text = String(decoding: line, as: UTF8.self)
    guard text == answer else {
      throw Failure(description: "the server's shell answered '\(text)', not '\(answer)'")
    }
  }

  private static func script(_ plan: Plan) -> String {
    """
    exec 3>&1 1>/dev/null
    pid=
    signal() { [ -z "$pid" ] || kill -"$1" "$pid"; }
    finish() { [ -z "$pid" ] || wait "$pid"; pid=; }
    # The children first: one that ends is reaped when its parent goes on, and can't be signalled.
    family() { echo $(cat /proc/"$pid"/task/"$pid"/children) "$pid"; }
    # A server that gives up is started again: just after a kill, children of its former self may
    # still hold what it needs alone.
    start() {
      tries=0
      until [ -n "$pid" ] && \(plan.isReady); do
        tries=$((tries + 1))
        [ $tries -lt 600 ] || return 1
        if [ -z "$pid" ] || [ ! -d /proc/"$pid" ]; then
          \(plan.command) </dev/null 3>&- & pid=$!
        fi
        sleep 0.05
      done
    }
    # It may just be on its way: after a kill its client connects anew.
    kill_child() {
      tries=0
      until kill -KILL "$(pgrep -P "$pid" -f "$text" | head -n 1)" 2>/dev/null; do
        tries=$((tries + 1))
        [ $tries -lt 100 ] || return 1
        sleep 0.05
      done
    }
    { \(plan.prepare); } && echo prepared >&3
    while read -r command text; do
      case $command in
        start) start ;;
        stop) signal \(plan.stopSignal); finish ;;
        kill) signal KILL; finish ;;
        freeze) kill -STOP "$pid" && kill -STOP $(family) ;;
        thaw) kill -CONT $(family) ;;
        kill-child) kill_child ;;
      esac && echo "$command" >&3 || echo "failed: $command" >&3
    done
    [ -z "$pid" ] || kill -CONT $(family)
    signal \(plan.stopSignal)
    finish
    rm -rf '\(plan.directory)'
    """
  }
}

extension ServerProcess {
  /// A new folder that unprivileged servers may pass through, but not list.
  package static func makeDirectory() throws -> String {
    let path = NSTemporaryDirectory() + "/chat-test-" + UUID().uuidString.prefix(8)
    try FileManager.default.createDirectory(
      atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o711])
    return path
  }

  /// A port of the loopback address that nobody listens on.
  ///
  /// Below those that the kernel gives to outgoing connections by default: one of these could
  /// take the port while the server that has it is down.
  package static func freePort() -> UInt16 {
    for _ in 0..<100 {
      guard let (descriptor, port) = makeLoopbackSocket(port: .random(in: 10_000..<32_768)) else {
        continue
      }
      close(descriptor)
      return port
    }
    preconditionFailure("no free port on the loopback address")
  }
}
