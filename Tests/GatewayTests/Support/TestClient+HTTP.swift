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

extension TestClient {
  /// The next response, whose body may come in chunks; nil when none comes.
  func chunkedResponse() -> TestResponse? {
    let lastChunk = Array("0\r\n\r\n".utf8)
    var isChunked = false
    receive {
      isChunked = text.contains("Transfer-Encoding: chunked")
      return isChunked ? received.suffix(lastChunk.count) == lastChunk[...] : !received.isEmpty
    }
    guard var response = response() else { return nil }
    guard isChunked else { return response }
    response.body = dechunked()
    return response
  }

  /// Takes all chunks out of what was received.
  private func dechunked() -> String {
    var body = ""
    var rest = received[...]
    while let lineEnd = rest.firstRange(of: Array("\r\n".utf8)),
      let count = Int(String(decoding: rest[..<lineEnd.lowerBound], as: UTF8.self), radix: 16),
      count > 0
    {
      let chunk = rest[lineEnd.upperBound...].prefix(count)
      body += String(decoding: chunk, as: UTF8.self)
      rest = rest[(lineEnd.upperBound + count)...].dropFirst(2)
    }
    received = []
    return body
  }
}
