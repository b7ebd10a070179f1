@testable import HTTP1

/// What a parser made of its input, in comparable form.
struct Transcript: Equatable {
  struct Request: Equatable {
    var method: Method
    var path: String
    var body: [UInt8] = []
    var isWhole = false
  }

  var heads: [RequestHead] = []
  var requests: [Request] = []
  var error: RequestError?

  static func == (left: Transcript, right: Transcript) -> Bool {
    left.requests == right.requests && left.error == right.error
      && left.heads.map(\.headers.bytes) == right.heads.map(\.headers.bytes)
  }

  /// Parses `pieces` one after another, as reads of one connection.
  init(parsing pieces: [[UInt8]], limits: RequestLimits = RequestLimits()) {
    var parser = RequestParser()
    for piece in pieces {
      piece.withUnsafeBytes { input in
        var offset = 0
        do throws(RequestError) {
          while let event = try parser.next(in: input, at: &offset, limits: limits) {
            take(event, in: input)
          }
        } catch {
          self.error = error
        }
      }
      if error != nil { return }
    }
  }

  init(parsing text: String, limits: RequestLimits = RequestLimits()) {
    self.init(parsing: [Array(text.utf8)], limits: limits)
  }

  private mutating func take(_ event: RequestEvent, in input: UnsafeRawBufferPointer) {
    switch event {
    case .head(let head):
      heads.append(head)
      let path = String(decoding: head.target.path, as: UTF8.self)
      requests.append(Request(method: head.method, path: path))
    case .body(let range):
      requests[requests.count - 1].body.append(contentsOf: input[range])
    case .end:
      requests[requests.count - 1].isWhole = true
    }
  }
}

/// Every cut of `bytes` in two, and the cut into single bytes.
func everyCut(_ bytes: [UInt8]) -> [[[UInt8]]] {
  bytes.indices.map { [Array(bytes[..<$0]), Array(bytes[$0...])] } + [bytes.map { [$0] }]
}
