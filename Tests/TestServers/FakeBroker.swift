/// The frames of AMQP 0-9-1 that a broker sends, made by hand.
package enum FakeBroker {
  package static func frame(_ type: UInt8, _ channel: UInt16, _ payload: [UInt8]) -> [UInt8] {
    [type] + bytes(channel) + bytes(UInt32(payload.count)) + payload + [0xCE]
  }

  package static func method(
    _ channel: UInt16, _ classID: UInt16, _ methodID: UInt16, _ fields: [UInt8] = []
  ) -> [UInt8] {
    frame(1, channel, bytes(classID) + bytes(methodID) + fields)
  }

  package static func header(_ channel: UInt16, bodyBytes: UInt64) -> [UInt8] {
    frame(2, channel, bytes(60 as UInt16) + bytes(0 as UInt16) + bytes(bodyBytes) + [0, 0])
  }

  package static func body(_ channel: UInt16, _ bytes: [UInt8]) -> [UInt8] {
    frame(3, channel, bytes)
  }

  package static func bytes<Integer: FixedWidthInteger>(_ value: Integer) -> [UInt8] {
    withUnsafeBytes(of: value.bigEndian) { Array($0) }
  }

  package static func short(_ text: String) -> [UInt8] { [UInt8(text.utf8.count)] + text.utf8 }

  package static func long(_ text: String) -> [UInt8] {
    bytes(UInt32(text.utf8.count)) + text.utf8
  }

  package static let start = method(
    0, 10, 10, [0, 9] + bytes(0 as UInt32) + long("AMQPLAIN PLAIN") + long("en_US"))
  package static let openOK = method(0, 10, 41, [0])
  package static let channelOpenOK = method(1, 20, 11, bytes(0 as UInt32))
  package static let confirmOK = method(1, 85, 11)
  package static let heartbeat = frame(8, 0, [])

  package static func tune(frameMax: UInt32 = 131_072, heartbeat: UInt16 = 10) -> [UInt8] {
    method(0, 10, 30, bytes(2_047 as UInt16) + bytes(frameMax) + bytes(heartbeat))
  }

  package static func delivery(_ channel: UInt16 = 1, tag: UInt64, key: String) -> [UInt8] {
    method(channel, 60, 60, short("tag") + bytes(tag) + [0] + short("chat.exchange") + short(key))
  }

  package static func confirmation(tag: UInt64) -> [UInt8] {
    method(1, 60, 80, bytes(tag) + [0])
  }

  package static func close(code: UInt16, _ text: String) -> [UInt8] {
    method(0, 10, 50, bytes(code) + short(text) + [0, 0, 0, 0])
  }

  /// Says all that a client that only wants confirms must hear until it is ready.
  package static func welcome(
    _ connection: FakeConnection, frameMax: UInt32 = 131_072, heartbeat: UInt16 = 10
  ) -> Bool {
    guard connection.read(8) != nil, connection.write(start),
      readMethod(connection) == [10, 11], connection.write(tune(frameMax: frameMax, heartbeat: heartbeat)),
      readMethod(connection) == [10, 31], readMethod(connection) == [10, 40],
      connection.write(openOK), readMethod(connection) == [20, 10],
      connection.write(channelOpenOK), readMethod(connection) == [85, 10]
    else { return false }
    return connection.write(confirmOK)
  }

  /// Waits for a frame; nil when the client has gone.
  package static func readFrame(
    _ connection: FakeConnection
  ) -> (type: UInt8, channel: UInt16, payload: [UInt8])? {
    guard let head = connection.read(7) else { return nil }
    let count = head[3...].reduce(0) { $0 << 8 | Int($1) }
    guard let rest = connection.read(count + 1), rest.last == 0xCE else { return nil }
    return (head[0], UInt16(head[1]) << 8 | UInt16(head[2]), rest.dropLast())
  }

  /// The class and the number of the next frame, which must be a method.
  package static func readMethod(_ connection: FakeConnection) -> [UInt16]? {
    guard let frame = readFrame(connection), frame.type == 1, frame.payload.count >= 4 else {
      return nil
    }
    let ids = frame.payload
    return [UInt16(ids[0]) << 8 | UInt16(ids[1]), UInt16(ids[2]) << 8 | UInt16(ids[3])]
  }
}
