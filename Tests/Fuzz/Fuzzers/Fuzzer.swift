/// A parser of bytes from outside, with what must hold of it whatever the bytes are.
///
/// None of them may trap, read beyond its input, or leave memory behind, which the sanitizers
/// watch. What else is claimed stands with each; a claim that fails ends the process.
package enum Fuzzer: String, CaseIterable, Sendable {
  case amqp, commands, deflate, envelopes, http, redis, sockjs, stomp, urls, utf8, websocket
  case httpResponse = "http-response"
  case forwardedFor = "forwarded-for"
  case proxyHeader = "proxy-header"
  case sockjsPayload = "sockjs-payload"

  /// Its name in commands, and the folder of its seeds.
  package var name: String { rawValue }

  package func run(_ input: UnsafeRawBufferPointer) {
    switch self {
    case .amqp: fuzzAMQP(input)
    case .commands: fuzzCommands(input)
    case .deflate: fuzzDeflate(input)
    case .envelopes: fuzzEnvelopes(input)
    case .forwardedFor: fuzzForwardedFor(input)
    case .http: fuzzHTTP(input)
    case .httpResponse: fuzzHTTPResponse(input)
    case .proxyHeader: fuzzProxyHeader(input)
    case .redis: fuzzRedis(input)
    case .sockjs: fuzzSockJS(input)
    case .sockjsPayload: fuzzSockJSPayload(input)
    case .stomp: fuzzSTOMP(input)
    case .urls: fuzzURLs(input)
    case .utf8: fuzzUTF8(input)
    case .websocket: fuzzWebSocket(input)
    }
  }
}

/// Something that must hold for every input. Ends the process when it does not.
func claim(
  _ holds: Bool, _ what: @autoclosure () -> String, file: StaticString = #fileID,
  line: UInt = #line
) {
  if !holds { fatalError("does not hold: \(what())", file: file, line: line) }
}

/// Claims that two ways lead to the same; `what` names the second one.
func claimEqual<Account: Equatable>(
  _ first: Account, _ second: Account, _ what: @autoclosure () -> String,
  file: StaticString = #fileID, line: UInt = #line
) {
  claim(
    first == second, "\(what())\n  expected \(first)\n  but got  \(second)", file: file, line: line)
}
