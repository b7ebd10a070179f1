package import Bytes

/// What `CONNECTED` tells a client.
package struct Connected: Sendable {
  package var version: Version
  package var heartBeat: HeartBeat
  package var session: String
  package var user: String

  package init(version: Version, heartBeat: HeartBeat, session: String, user: String) {
    self.version = version
    self.heartBeat = heartBeat
    self.session = session
    self.user = user
  }
}

// The frames of a server.
extension ByteBuffer {
  /// `user-name` is what Spring calls it.
  package mutating func append(_ connected: Connected) {
    append("CONNECTED\n")
    append("version", header: connected.version.number, connected.version)
    append("heart-beat:")
    append(decimal: UInt64(connected.heartBeat.sendsEvery))
    append(UInt8(ascii: ","))
    append(decimal: UInt64(connected.heartBeat.wantsEvery))
    append("\nsession:")
    // Not escaped (STOMP 1.2, value encoding), and both are made of what needs no escape.
    append(utf8: connected.session)
    append("\nuser-name:")
    append(utf8: connected.user)
    append("\n\n\0")
  }

  package mutating func appendReceipt(_ receipt: String, _ version: Version) {
    append("RECEIPT\n")
    append("receipt-id", header: receipt, version)
    append("\n\0")
  }

  package mutating func appendError(_ message: String, receipt: String?, _ version: Version) {
    append("ERROR\n")
    append("message", header: message, version)
    if let receipt { append("receipt-id", header: receipt, version) }
    append("version:1.0,1.1,1.2\ncontent-type:text/plain\ncontent-length:")
    append(decimal: UInt64(message.utf8.count))
    append("\n\n")
    append(utf8: message)
    append(UInt8(0))
  }

  /// - Parameter receipt: of the frame that the message is an answer to.
  package mutating func appendMessage(
    _ delivery: Delivery, receipt: String? = nil, json body: UnsafeRawBufferPointer,
    _ version: Version
  ) {
    append("MESSAGE\n")
    append("destination", header: delivery.destination, version)
    append("content-type:application/json\n")
    if let subscription = delivery.subscription {
      append("subscription", header: subscription, version)
    }
    append("message-id:")
    append(decimal: delivery.number)
    if delivery.isToBeAcknowledged, version == .v12 {
      append("\nack:")
      append(decimal: delivery.number)
    }
    append(UInt8(ascii: "\n"))
    if let receipt { append("receipt-id", header: receipt, version) }
    append("content-length:")
    append(decimal: UInt64(body.count))
    append("\n\n")
    append(body)
    append(UInt8(0))
  }

  /// Appends a header line. What a version has no escape for becomes a blank, where it would end
  /// the line.
  private mutating func append(
    _ name: StaticString, header value: String, _ version: Version
  ) {
    append(name)
    append(UInt8(ascii: ":"))
    for byte in value.utf8 {
      switch byte {
      case ASCII.lineFeed: append(version == .v10 ? " " : "\\n")
      case ASCII.carriageReturn where version == .v12: append("\\r")
      case UInt8(ascii: ":") where version > .v10: append("\\c")
      case UInt8(ascii: "\\") where version > .v10: append("\\\\")
      default: append(byte)
      }
    }
    append(UInt8(ascii: "\n"))
  }
}
