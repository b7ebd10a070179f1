/// What the part of a path behind a service's prefix stands for.
package enum SockJSRoute: Equatable, Sendable {
  case greeting
  case info
  case iframe
  /// A WebSocket without SockJS' framing.
  case rawWebSocket
  /// `session` names the session; `server` is there for load balancers alone and means nothing.
  /// Both as they came, percent-encoded.
  case session(server: String, session: String, transport: SockJSTransport)

  /// The longest server or session element taken, in bytes. Clients make 3 and 8.
  package static let elementBytesMax = 128

  /// Takes what follows the prefix, as it came; nil for what is no path of the protocol.
  package init?(_ suffix: ArraySlice<UInt8>) {
    guard let first = suffix.first else {
      self = .greeting
      return
    }
    guard first == UInt8(ascii: "/") else { return nil }
    let elements = suffix.dropFirst().split(
      separator: UInt8(ascii: "/"), maxSplits: 3, omittingEmptySubsequences: false)
    switch elements.count {
    case 1:
      guard let route = Self.single(elements[0]) else { return nil }
      self = route
    case 3:
      guard let server = Self.name(elements[0]), let session = Self.name(elements[1]),
        let transport = SockJSTransport(element: elements[2])
      else { return nil }
      self = .session(server: server, session: session, transport: transport)
    default: return nil
    }
  }

  private static func single(_ element: ArraySlice<UInt8>) -> SockJSRoute? {
    if element.isEmpty { return .greeting }
    if element.elementsEqual("info".utf8) { return .info }
    if element.elementsEqual("websocket".utf8) { return .rawWebSocket }
    let iframe = "iframe".utf8
    let html = ".html".utf8
    let isIframe =
      element.starts(with: iframe)
      && element.dropFirst(iframe.count).suffix(html.count).elementsEqual(html)
    return isIframe ? .iframe : nil
  }

  /// A server or session element: not empty, and no dot, however written.
  private static func name(_ element: ArraySlice<UInt8>) -> String? {
    guard !element.isEmpty, element.count <= elementBytesMax, !hasDot(element) else { return nil }
    return String(validating: element, as: UTF8.self)
  }

  private static func hasDot(_ element: ArraySlice<UInt8>) -> Bool {
    if element.contains(UInt8(ascii: ".")) { return true }
    return element.indices.contains { index in
      let encoded = element[index...].prefix(3)
      return encoded.elementsEqual("%2e".utf8) || encoded.elementsEqual("%2E".utf8)
    }
  }
}
