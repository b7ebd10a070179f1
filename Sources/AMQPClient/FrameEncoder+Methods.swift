internal import Bytes
internal import CRabbitMQ
internal import FaultInjection

// The methods that this client sends.

extension FrameEncoder {
  /// What we can do with the broker's extensions of the protocol.
  private static let capabilities = [
    "publisher_confirms", "connection.blocked", "basic.nack", "consumer_cancel_notify",
    "authentication_failure_close",
  ]

  static func startOK(
    _ endpoint: AMQPEndpoint, connectionName: String, into buffer: inout ByteBuffer
  ) {
    var strings = CBytes()
    defer { strings.deallocate() }
    var capabilities = Self.capabilities.map { name in
      var entry = amqp_table_entry_t()
      entry.key = strings.add(name)
      entry.value.kind = UInt8(AMQP_FIELD_KIND_BOOLEAN.rawValue)
      entry.value.value.boolean = 1
      return entry
    }
    var properties = [
      entry("product", .string("chat-server"), &strings),
      entry("connection_name", .string(connectionName), &strings),
      amqp_table_entry_t(),
    ]
    let response = strings.add("\0\(endpoint.user)\0\(endpoint.password)")
    let (mechanism, locale) = (strings.add("PLAIN"), strings.add("en_US"))
    properties[2].key = strings.add("capabilities")
    properties[2].value.kind = UInt8(AMQP_FIELD_KIND_TABLE.rawValue)
    capabilities.withUnsafeMutableBufferPointer { capabilities in
      properties[2].value.value.table = table(capabilities)
      properties.withUnsafeMutableBufferPointer { properties in
        let fields = amqp_connection_start_ok_t(
          client_properties: table(properties), mechanism: mechanism, response: response,
          locale: locale)
        method(UInt32(AMQP_CONNECTION_START_OK_METHOD), fields, channel: 0, into: &buffer)
      }
    }
  }

  static func tuneOK(
    channelMax: UInt16, frameMax: UInt32, heartbeat: UInt16, into buffer: inout ByteBuffer
  ) {
    let fields = amqp_connection_tune_ok_t(
      channel_max: channelMax, frame_max: frameMax, heartbeat: heartbeat)
    method(UInt32(AMQP_CONNECTION_TUNE_OK_METHOD), fields, channel: 0, into: &buffer)
  }

  static func open(_ virtualHost: String, into buffer: inout ByteBuffer) {
    var strings = CBytes()
    defer { strings.deallocate() }
    let fields = amqp_connection_open_t(
      virtual_host: strings.add(virtualHost), capabilities: amqp_empty_bytes, insist: 0)
    method(UInt32(AMQP_CONNECTION_OPEN_METHOD), fields, channel: 0, into: &buffer)
  }

  static func close(into buffer: inout ByteBuffer) {
    let fields = amqp_connection_close_t(
      reply_code: UInt16(AMQP_REPLY_SUCCESS), reply_text: amqp_empty_bytes, class_id: 0,
      method_id: 0)
    method(UInt32(AMQP_CONNECTION_CLOSE_METHOD), fields, channel: 0, into: &buffer)
  }

  static func closeOK(into buffer: inout ByteBuffer) {
    let fields = amqp_connection_close_ok_t()
    method(UInt32(AMQP_CONNECTION_CLOSE_OK_METHOD), fields, channel: 0, into: &buffer)
  }

  static func openChannel(_ channel: UInt16, into buffer: inout ByteBuffer) {
    let fields = amqp_channel_open_t(out_of_band: amqp_empty_bytes)
    method(UInt32(AMQP_CHANNEL_OPEN_METHOD), fields, channel: channel, into: &buffer)
  }

  static func publish(
    _ body: [UInt8], exchange: String, key: String, channel: UInt16, frameMax: Int,
    into buffer: inout ByteBuffer
  ) {
    var strings = CBytes()
    defer { strings.deallocate() }
    // Mandatory: without it a message that no queue takes is confirmed all the same.
    let fields = amqp_basic_publish_t(
      ticket: 0, exchange: strings.add(exchange), routing_key: strings.add(key),
      mandatory: Mutant.noMandatory.isActive ? 0 : 1, immediate: 0)
    method(UInt32(AMQP_BASIC_PUBLISH_METHOD), fields, channel: channel, into: &buffer)
    transientContent(body, channel: channel, frameMax: frameMax, into: &buffer)
  }

  static func acknowledge(
    upTo tag: UInt64, channel: UInt16, into buffer: inout ByteBuffer
  ) {
    let fields = amqp_basic_ack_t(delivery_tag: tag, multiple: 1)
    method(UInt32(AMQP_BASIC_ACK_METHOD), fields, channel: channel, into: &buffer)
  }

  static func setUp(_ step: AMQPSetup, channel: UInt16, into buffer: inout ByteBuffer) {
    var strings = CBytes()
    defer { strings.deallocate() }
    switch step {
    case .confirms:
      let fields = amqp_confirm_select_t(nowait: 0)
      method(UInt32(AMQP_CONFIRM_SELECT_METHOD), fields, channel: channel, into: &buffer)
    case .exchange(let name, let kind):
      let fields = amqp_exchange_declare_t(
        ticket: 0, exchange: strings.add(name), type: strings.add(kind), passive: 0, durable: 1,
        auto_delete: 0, internal: 0, nowait: 0, arguments: amqp_empty_table)
      method(UInt32(AMQP_EXCHANGE_DECLARE_METHOD), fields, channel: channel, into: &buffer)
    case .queue(let name, let arguments):
      var entries = arguments.map { entry($0.name, $0.value, &strings) }
      let queue = strings.add(name)
      entries.withUnsafeMutableBufferPointer { entries in
        let fields = amqp_queue_declare_t(
          ticket: 0, queue: queue, passive: 0, durable: 1, exclusive: 0, auto_delete: 0,
          nowait: 0, arguments: table(entries))
        method(UInt32(AMQP_QUEUE_DECLARE_METHOD), fields, channel: channel, into: &buffer)
      }
    case .bind(let queue, let exchange, let key):
      let fields = amqp_queue_bind_t(
        ticket: 0, queue: strings.add(queue), exchange: strings.add(exchange),
        routing_key: strings.add(key), nowait: 0, arguments: amqp_empty_table)
      method(UInt32(AMQP_QUEUE_BIND_METHOD), fields, channel: channel, into: &buffer)
    case .prefetch(let count):
      let fields = amqp_basic_qos_t(prefetch_size: 0, prefetch_count: count, global: 0)
      method(UInt32(AMQP_BASIC_QOS_METHOD), fields, channel: channel, into: &buffer)
    case .consumeExclusively(let queue):
      let fields = amqp_basic_consume_t(
        ticket: 0, queue: strings.add(queue), consumer_tag: strings.add(queue), no_local: 0,
        no_ack: 0, exclusive: 1, nowait: 0, arguments: amqp_empty_table)
      method(UInt32(AMQP_BASIC_CONSUME_METHOD), fields, channel: channel, into: &buffer)
    }
  }

  private static func entry(
    _ name: String, _ value: AMQPArgument.Value, _ strings: inout CBytes
  ) -> amqp_table_entry_t {
    var entry = amqp_table_entry_t()
    entry.key = strings.add(name)
    switch value {
    case .integer(let number):
      entry.value.kind = UInt8(AMQP_FIELD_KIND_I64.rawValue)
      entry.value.value.i64 = number
    case .string(let text):
      entry.value.kind = UInt8(AMQP_FIELD_KIND_UTF8.rawValue)
      entry.value.value.bytes = strings.add(text)
    }
    return entry
  }

  private static func table(
    _ entries: UnsafeMutableBufferPointer<amqp_table_entry_t>
  ) -> amqp_table_t {
    amqp_table_t(num_entries: Int32(entries.count), entries: entries.baseAddress)
  }
}
