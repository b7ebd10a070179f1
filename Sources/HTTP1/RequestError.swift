/// Why a request cannot be answered by a route.
///
/// After one the position of the next request is unknown: answer with `status` and close.
package enum RequestError: Error, Hashable, Sendable {
  case badRequest(Flaw)
  /// A known method that no resource here has: TRACE, CONNECT or QUERY.
  case methodNotAllowed
  case contentTooLarge
  case targetTooLong
  case expectationFailed
  case headTooLarge
  case unknownMethod
  case unknownTransferCoding
  case unsupportedVersion

  /// What is wrong with a request that gets 400.
  package enum Flaw: Hashable, Sendable {
    case lineEnd, controlByte, requestLine, target, fieldLine, host, framing, chunk
  }

  package var status: Status {
    switch self {
    case .badRequest: .badRequest
    case .methodNotAllowed: .methodNotAllowed
    case .contentTooLarge: .contentTooLarge
    case .targetTooLong: .uriTooLong
    case .expectationFailed: .expectationFailed
    case .headTooLarge: .requestHeaderFieldsTooLarge
    case .unknownMethod, .unknownTransferCoding: .notImplemented
    case .unsupportedVersion: .httpVersionNotSupported
    }
  }

  /// What the response says besides its status.
  package var fields: [ResponseField] {
    switch self {
    case .methodNotAllowed: [ResponseField("Allow", MethodSet([.get, .post, .options]).allow)]
    case .badRequest, .contentTooLarge, .targetTooLong, .expectationFailed, .headTooLarge,
      .unknownMethod, .unknownTransferCoding, .unsupportedVersion:
      []
    }
  }
}
