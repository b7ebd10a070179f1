/// The methods that a route can answer.
package enum Method: UInt8, CaseIterable, Sendable {
  case get, head, post, put, patch, delete, options

  package var name: StaticString {
    switch self {
    case .get: "GET"
    case .head: "HEAD"
    case .post: "POST"
    case .put: "PUT"
    case .patch: "PATCH"
    case .delete: "DELETE"
    case .options: "OPTIONS"
    }
  }

  /// Names are case-sensitive; RFC 9110, section 9.1.
  init?(_ name: some Collection<UInt8>) {
    guard
      let method = Self.allCases.first(where: { method in
        name.elementsEqual(method.name.bytes)
      })
    else { return nil }
    self = method
  }
}

/// Some methods, as an `Allow` field lists them.
@usableFromInline
package struct MethodSet: OptionSet, Sendable {
  @usableFromInline package let rawValue: UInt8

  @usableFromInline
  package init(rawValue: UInt8) { self.rawValue = rawValue }
  package init(_ method: Method) { rawValue = 1 << method.rawValue }

  package static let get: MethodSet = [.init(.get), .init(.head)]
  package static let post = MethodSet(.post)
  package static let options = MethodSet(.options)

  /// The set as an `Allow` field's value.
  package var allow: String {
    Method.allCases.filter { contains(MethodSet($0)) }.map(\.name.description)
      .joined(separator: ", ")
  }
}

extension StaticString {
  /// The UTF-8 of the literal, which lives as long as the program.
  package var bytes: UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(start: utf8Start, count: utf8CodeUnitCount)
  }
}
