import ArgumentParser
import Glibc
import Reactor

/// The load generator: pairs of users who write to one another, checked to the last message.
@main
struct ChatBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "chat-bench",
    abstract: "Loads a chat server and checks that no message is lost, doubled or altered.",
    discussion: """
      The one user of a pair connects to the first URL and the other to the second; with a \
      single URL both use it. When a connection is lost they come back by the next URL and \
      resume. An interrupt ends the sending, and what is under way still counts. The server must \
      be in open mode.

      With --members one user makes a room, invites so many others, who then connect by all URLs \
      in turn, and writes to it.

      Exits with 1 when anything was lost, duplicated, out of order, altered or refused, or \
      when a session did not come up.
      """)

  @Option(name: .customLong("url"), help: "ws://host:port[/path], path /ws; repeatable.")
  var urls: [String]

  @Option(help: "Pairs of users.")
  var pairs = 0

  @Option(help: "Users in one room who read what one more user writes to it.")
  var members = 0

  @Flag(help: "With --members: the server only copies each text it gets to all connections.")
  var relay = false

  @Option(help: "The server's process: its CPU time per delivered message is told.")
  var serverPid: Int32?

  @Option(help: "Messages a second over all pairs or to the room, in steps of 1 ms, or 'max'.")
  var rate = "max"

  @Option(help: "Messages that a user may have sent and not had acknowledged.")
  var window = 1

  @Option(help: "Bytes of a message's text.")
  var size = 64

  @Option(help: "How long to send; with --idle alone how long to stay, 0 for ever.")
  var seconds = 10

  @Option(help: "Each user sends so many, however long it takes.")
  var messages: UInt64?

  @Option(help: "Sessions that only stay connected.")
  var idle = 0

  @Option(help: "Handshakes under way at once, per thread; a storm has all of them.")
  var handshakes = 64

  @Option(help: "Seconds for which the pairs stay connected when they are done.")
  var hold = 0

  @Option(help: "Threads of the generator.")
  var threads = 1

  @Option(help: "Begins every user's name; random by default. 1 to 9 of a-z, 0-9, dot, hyphen.")
  var prefix: String?

  @Flag(help: "Print the result as one JSON object.")
  var json = false

  /// The text must leave room in the server's 16,384 bytes of a body for `{"text":""}`.
  static let sizeMax = 16_384 - 11

  func validate() throws {
    guard !urls.isEmpty else { throw ValidationError("--url is missing") }
    guard pairs > 0 || idle > 0 || members > 0 else {
      throw ValidationError("give --pairs, --members or --idle")
    }
    guard [pairs, idle, members].allSatisfy((0...1_000_000).contains) else {
      throw ValidationError("--pairs, --members and --idle are at most 1000000")
    }
    guard pairs == 0 || members == 0 else { throw ValidationError("--pairs or --members") }
    guard !relay || (members > 0 && idle == 0) else {
      throw ValidationError("--relay is for --members alone")
    }
    guard 1...10_000 ~= window else { throw ValidationError("--window is 1 to 10000") }
    guard Payload.textBytesMin...Self.sizeMax ~= size else {
      throw ValidationError("--size is \(Payload.textBytesMin) to \(Self.sizeMax)")
    }
    guard 1...1_000_000 ~= handshakes, 0...1_000_000 ~= hold else {
      throw ValidationError("--handshakes is 1 to 1000000, --hold 0 to 1000000")
    }
    guard 1...64 ~= threads else { throw ValidationError("--threads is 1 to 64") }
    guard seconds > 0 || (seconds == 0 && pairs + members == 0) else {
      throw ValidationError("--seconds is at least 1")
    }
    guard messages ?? 1 > 0 else { throw ValidationError("--messages is at least 1") }
    guard rate == "max" || Double(rate).map({ $0 > 0 && $0 <= 10_000_000 }) == true else {
      throw ValidationError("--rate is messages a second, or 'max'")
    }
    if let prefix {
      let allowed = "abcdefghijklmnopqrstuvwxyz0123456789.-"
      guard 1...9 ~= prefix.count, prefix.allSatisfy(allowed.contains) else {
        throw ValidationError("--prefix is 1 to 9 of a-z, 0-9, dot, hyphen")
      }
    }
  }

  func run() throws {
    SignalSource.block(Conductor.signals)
    let result: RunResult?
    do {
      let conductor = try Conductor(try plan())
      conductor.run()
      result = conductor.result
    } catch {
      printError("\(error)")
      throw ExitCode(EX_UNAVAILABLE)
    }
    guard let result else { throw ExitCode.failure }
    print(json ? result.json : result.text)
    if !result.isSuccess { throw ExitCode.failure }
  }

  private func plan() throws -> Plan {
    let letters = Array("abcdefghijklmnopqrstuvwxyz0123456789")
    let random = String((0..<7).map { _ in letters[Int.random(in: 0..<letters.count)] })
    return Plan(
      endpoints: try urls.map { (url) throws(Endpoint.Failure) in try Endpoint(url) },
      prefix: prefix ?? random, pairs: pairs, idle: idle,
      members: members, isRelayed: relay, serverPID: serverPid,
      rate: Double(rate), window: window, size: size, seconds: seconds, messages: messages,
      hold: pairs + members > 0 ? hold : seconds, handshakes: handshakes,
      threads: min(threads, max(1, pairs + idle)))
  }
}
