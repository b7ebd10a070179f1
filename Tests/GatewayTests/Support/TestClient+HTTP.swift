/// A response as it stood in the bytes received.
struct TestResponse: Equatable {
  var status: Int
  var fields: [String: String]
  var body: String
}

extension TestClient {
  /// Sends one request without a body.
  func get(_ target: String, method: String = "GET", _ fields: [String] = []) {
    send(request(target, method: method, fields))
  }

  func request(_ target: String, method: String = "GET", _ fields: [String] = []) -> String {
    (["\(method) \(target) HTTP/1.1", "Host: localhost"] + fields).joined(separator: "\r\n")
      + "\r\n\r\n"
  }

  /// The next response; nil when none comes.
  func response(toHead isToHead: Bool = false) -> TestResponse? {
    var found: TestResponse?
    receive {
      found = takeResponse(toHead: isToHead)
      return found != nil
    }
    return found
  }

  /// Takes a whole response out of what was received.
  private func takeResponse(toHead isToHead: Bool) -> TestResponse? {
    let end = Array("\r\n\r\n".utf8)
    guard let headEnd = received.firstRange(of: end) else { return nil }
    let lines = String(decoding: received[..<headEnd.lowerBound], as: UTF8.self)
      .split(separator: "\r\n")
    guard let status = lines.first?.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
    else { return nil }
    var fields: [String: String] = [:]
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1)
      fields[parts[0].lowercased()] = String(parts[1].drop { $0 == " " })
    }
    let length = isToHead ? 0 : Int(fields["content-length"] ?? "0") ?? 0
    guard received.count >= headEnd.upperBound + length else { return nil }
    let body = received[headEnd.upperBound..<headEnd.upperBound + length]
    defer { received.removeFirst(headEnd.upperBound + length) }
    return TestResponse(
      status: status, fields: fields, body: String(decoding: body, as: UTF8.self))
  }
}
