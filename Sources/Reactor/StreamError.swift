/// Why a socket can no longer be used.
package enum StreamError: Error, Sendable {
  case system(SystemError)
  /// What the socket's layer says of the peer's bytes; no secrets.
  case layer(StaticString)
}

extension StreamError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .system(let error): error.description
    case .layer(let reason): reason.description
    }
  }
}

extension StreamError: Equatable {
  package static func == (left: StreamError, right: StreamError) -> Bool {
    switch (left, right) {
    case (.system(let left), .system(let right)): left == right
    case (.layer(let left), .layer(let right)): left.description == right.description
    case (.system, .layer), (.layer, .system): false
    }
  }
}
