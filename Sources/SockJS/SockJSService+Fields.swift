import Bytes
import HTTP1
import WebSocket

extension SockJSService {
  /// CORS (fetch.spec.whatwg.org, section 3.2) for a request whose Origin is allowed: its own name
  /// and credentials for a page, anything without credentials for what is no page.
  func crossOriginFields(for request: RequestHead) -> [ResponseField] {
    var fields: [ResponseField] = [.varyOrigin]
    guard let origin = request.headers.only("origin"), !origin.isEmpty else {
      return fields + [ResponseField("Access-Control-Allow-Origin", "*")]
    }
    fields += [
      ResponseField("Access-Control-Allow-Origin", origin),
      ResponseField("Access-Control-Allow-Credentials", "true"),
    ]
    if let asked = request.headers.only("access-control-request-headers"), !asked.isEmpty {
      fields.append(ResponseField("Access-Control-Allow-Headers", asked))
    }
    return fields
  }

  /// Who may show our pages in a frame. They speak with whatever page holds them, in the name of
  /// this server, so an Origin that is not allowed must not get in this way either.
  var framingFields: [ResponseField] {
    switch origins {
    case .any: []
    case .only(let allowed), .own(let allowed):
      [
        ResponseField(
          "Content-Security-Policy",
          "frame-ancestors 'self' " + allowed.map(\.source).sorted().joined(separator: " "))
      ]
    }
  }
}

extension ResponseField {
  static let yearSeconds = 365 * 24 * 60 * 60

  static let plainText = ResponseField("Content-Type", "text/plain; charset=UTF-8")
  static let varyOrigin = ResponseField("Vary", "Origin")
  static let noSniffing = ResponseField("X-Content-Type-Options", "nosniff")

  /// Some browsers cache the answers to POST too.
  static let notCached = ResponseField(
    "Cache-Control", "no-store, no-cache, no-transform, must-revalidate, max-age=0")

  /// `Expires` is for caches of HTTP/1.0; the others go by `max-age`. Any time far ahead does.
  static let cachedForAYear = [
    ResponseField("Cache-Control", "public, max-age=\(yearSeconds)"),
    ResponseField("Expires", "Thu, 31 Dec 2037 23:55:55 GMT"),
  ]
}

/// The cookie by which some load balancers keep a client on its node. Its value is theirs.
struct SessionCookie {
  private static let name = "JSESSIONID"
  private static let valueBytesMax = 256

  private let value: String

  /// Takes the request's cookie, or makes one.
  init(_ request: RequestHead) {
    value =
      request.headers.values("cookie")
      .flatMap { $0.split(separator: UInt8(ascii: ";")) }
      .lazy.compactMap(Self.value).first ?? "dummy"
  }

  /// Sets the cookie again as it was, which is what balancers wait for.
  var field: ResponseField { ResponseField("Set-Cookie", "\(Self.name)=\(value); path=/") }

  /// The value of one pair, if it is the cookie and has a value as RFC 6265, section 4.1.1, has it.
  private static func value(in pair: ArraySlice<UInt8>) -> String? {
    let pair = pair.drop { $0 == ASCII.space || $0 == ASCII.tab }
    let name = Self.name.utf8
    guard pair.starts(with: name), pair.dropFirst(name.count).first == UInt8(ascii: "=") else {
      return nil
    }
    let value = pair.dropFirst(name.count + 1)
    guard !value.isEmpty, value.count <= valueBytesMax, value.allSatisfy(isCookieByte) else {
      return nil
    }
    return String(validating: value, as: UTF8.self)
  }

  private static func isCookieByte(_ byte: UInt8) -> Bool {
    0x21...0x7E ~= byte && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: ",")
      && byte != UInt8(ascii: "\\")
  }
}
