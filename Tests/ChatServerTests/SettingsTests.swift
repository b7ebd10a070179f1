import ArgumentParser
import ChatCore
import Forwarding
import Gateway
import Reactor
import Testing
import WebSocket

@testable import chat_server

@Suite struct SettingsTests {
  private func settings(
    _ arguments: [String] = [], environment: [String: String] = [:]
  ) throws -> Settings {
    try Settings(try Options.parse(arguments), environment: environment)
  }

  @Test func `the command line stands above the environment, and it above the defaults`() throws {
    let environment = ["CHAT_NODE_ID": "server7", "CHAT_LISTEN": "127.0.0.1:81"]
    let given = try settings(["--node-id", "server9"], environment: environment)
    #expect(given.node.name == "server9")
    #expect(given.listen.port == 81)
    #expect(given.opsListen == SocketAddress(numericHost: "127.0.0.1", port: 9090))
    #expect(try settings(environment: ["CHAT_NODE_ID": ""]).node.name == "server1")
  }

  @Test(arguments: [
    (["--node-id", "Server 1"], "--node-id: 'Server 1' is not a node name"),
    (["--node-id", "a\u{1B}[31m\n"], "--node-id: 'a?[31m?' is not a node name"),
    (
      ["--listen", "localhost:80"],
      "--listen: 'localhost:80' is not ADDRESS:PORT with a numeric address"
    ),
    (["--event-loops", "0"], "--event-loops: '0' is not a number from 1 to 256"),
    (["--log-level", "loud"], "--log-level: 'loud' is not one of its values"),
    (
      ["--allowed-origin", "chat.example"],
      "--allowed-origin: 'chat.example' is not like https://chat.example"
    ),
    (
      ["--redis", "redis://127.0.0.1"],
      "--redis and --amqp belong together: a node alone needs neither"
    ),
    (
      ["--trusted-proxy", "10.0.0.0/8,10.0.0.1/24"],
      """
      --trusted-proxy: '10.0.0.1/24' is not a network like 10.0.0.0/8, with no bits set behind the \
      prefix, nor an address
      """
    ),
    (
      ["--proxy-protocol"],
      "--proxy-protocol: nobody could connect without a --trusted-proxy"
    ),
    (
      ["--connections-per-address", "0"],
      "--connections-per-address: '0' is not a number from 1 to 1000000"
    ),
    (["--retain", "365"], "--retain: '365' is not a time like 365d, from 1s to 36500d"),
    (["--retain", "0d"], "--retain: '0d' is not a time like 365d, from 1s to 36500d"),
    (["--retain", "36501d"], "--retain: '36501d' is not a time like 365d, from 1s to 36500d"),
    (["--redis", "secret@nowhere"], "--redis: not a URL of the form that --help shows"),
  ])
  func `a wrong option is one line that names it`(arguments: [String], line: String) {
    let error = #expect(throws: SettingsError.self) { try settings(arguments) }
    #expect(error?.description == line)
  }

  @Test func `trusted proxies come from the options, or as a list from the environment`() throws {
    let options = try settings(["--trusted-proxy", "10.0.0.0/8", "--trusted-proxy", "::1"])
    let variables = try settings(
      environment: ["CHAT_TRUSTED_PROXY": "10.0.0.0/8,::1", "CHAT_PROXY_PROTOCOL": "true"])
    for given in [options, variables] {
      #expect(given.proxies.trusted.contains(IPAddress("10.9.8.7")!))
      #expect(given.proxies.trusted.contains(IPAddress("::1")!))
      #expect(!given.proxies.trusted.contains(IPAddress("127.0.0.1")!))
    }
    #expect(!options.proxies.expectsHeader)
    #expect(variables.proxies.expectsHeader)
    #expect(try settings().proxies.trusted.isEmpty)
  }

  @Test func `open mode stays on loopback unless told otherwise`() throws {
    #expect(throws: SettingsError.self) { try settings(["--listen", "0.0.0.0:80"]) }
    #expect(try settings(["--listen", "[::1]:80"]).listen.isLoopback)
    let open = try settings(["--listen", "0.0.0.0:80", "--insecure-open"])
    #expect(!open.listen.isLoopback)
  }

  @Test(arguments: [
    ("365d", 365 * 86_400), ("12h", 12 * 3_600), ("90m", 90 * 60), ("5s", 5),
    ("36500d", 36_500 * 86_400),
  ])
  func `entries are kept for a time, or for ever`(text: String, seconds: Int) throws {
    #expect(try settings(["--retain", text]).retainTime == .seconds(seconds))
    #expect(try settings(environment: ["CHAT_RETAIN": text]).retainTime == .seconds(seconds))
    #expect(try settings().retainTime == nil)
  }

  @Test func `compression is off unless asked for, and keeps no context unless it may`() throws {
    #expect(try settings().gatewayLimits.compression == nil)
    #expect(try settings(["--compression-contexts", "5"]).compression == nil)
    #expect(try settings(["--compression"]).gatewayLimits.compression?.contextsMax == 0)
    let environment = ["CHAT_COMPRESSION": "true", "CHAT_COMPRESSION_CONTEXTS": "5"]
    #expect(try settings(environment: environment).gatewayLimits.compression?.contextsMax == 5)
  }

  @Test(arguments: [
    ("true", true), ("1", true), ("YES", true), ("on", true), ("True", true), ("false", false),
    ("0", false), ("No", false), ("OFF", false), ("", false),
  ])
  func `a flag has the usual spellings in the environment`(text: String, isOn: Bool) throws {
    let given = try settings(
      environment: [
        "CHAT_COMPRESSION": text, "CHAT_SOCKJS_SCRIPTS": text, "CHAT_INSECURE_OPEN": text,
        "CHAT_PROXY_PROTOCOL": text, "CHAT_TRUSTED_PROXY": "10.0.0.1",
      ])
    #expect((given.compression != nil) == isOn)
    #expect(given.sockJS.hasScriptTransports == isOn)
    #expect(given.proxies.expectsHeader == isOn)
    let elsewhere = ["CHAT_INSECURE_OPEN": text, "CHAT_LISTEN": "0.0.0.0:80"]
    #expect(((try? settings(environment: elsewhere)) != nil) == isOn)
  }

  @Test(arguments: [
    "CHAT_COMPRESSION", "CHAT_SOCKJS_SCRIPTS", "CHAT_PROXY_PROTOCOL", "CHAT_INSECURE_OPEN",
  ])
  func `a flag of no known spelling is one line that names its variable`(variable: String) throws {
    let error = #expect(throws: SettingsError.self) {
      try settings(environment: [variable: "enabled"])
    }
    #expect(error?.description == "\(variable): 'enabled' is neither true nor false")
  }

  @Test func `a flag on the command line stands above the environment`() throws {
    let given = try settings(["--compression"], environment: ["CHAT_COMPRESSION": "false"])
    #expect(given.compression != nil)
  }

  @Test func `origins come from the options, or as a list from the environment`() throws {
    let options = try settings(
      ["--allowed-origin", "https://a.example", "--allowed-origin", "http://b.example:81"])
    let variable = try settings(
      environment: ["CHAT_ALLOWED_ORIGIN": "https://a.example,http://b.example:81"])
    for given in [options, variable] {
      guard case .only(let origins) = given.originPolicy(for: given.listen) else {
        Issue.record("every origin is allowed")
        continue
      }
      #expect(origins == [Origin("https://a.example")!, Origin("http://b.example:81")!])
    }
    let any = try settings(["--allowed-origin", "*"]).originPolicy(for: options.listen)
    if case .only = any { Issue.record("not every origin is allowed") }
  }
}
