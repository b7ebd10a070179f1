internal import CRabbitMQ

/// A method that the broker may send, copied out of the library's memory.
package enum AMQPMethod: Hashable {
  case connectionStart(mechanisms: String)
  case connectionTune(channelMax: UInt16, frameMax: UInt32, heartbeat: UInt16)
  case connectionOpenOK
  case connectionClose(code: UInt16, text: String)
  case connectionCloseOK
  case connectionBlocked(reason: String)
  case connectionUnblocked
  case channelOpenOK
  case channelClose(code: UInt16, text: String)
  case setupOK(SetupAnswer)
  case consumerCancelled
  case delivery(tag: UInt64, routingKey: String)
  case returned(code: UInt16, routingKey: String)
  case acknowledged(tag: UInt64, isMultiple: Bool)
  case rejected(tag: UInt64, isMultiple: Bool)
  /// One that this client never asks for.
  case other(id: UInt32)

  init(_ method: amqp_method_t) {
    func fields<Fields>(_ type: Fields.Type) -> Fields {
      method.decoded.assumingMemoryBound(to: Fields.self).pointee
    }
    switch method.id {
    case amqp_method_number_t(AMQP_CONNECTION_START_METHOD):
      self = .connectionStart(mechanisms: fields(amqp_connection_start_t.self).mechanisms.text)
    case amqp_method_number_t(AMQP_CONNECTION_TUNE_METHOD):
      let tune = fields(amqp_connection_tune_t.self)
      self = .connectionTune(
        channelMax: tune.channel_max, frameMax: tune.frame_max, heartbeat: tune.heartbeat)
    case amqp_method_number_t(AMQP_CONNECTION_OPEN_OK_METHOD): self = .connectionOpenOK
    case amqp_method_number_t(AMQP_CONNECTION_CLOSE_METHOD):
      let close = fields(amqp_connection_close_t.self)
      self = .connectionClose(code: close.reply_code, text: close.reply_text.text)
    case amqp_method_number_t(AMQP_CONNECTION_CLOSE_OK_METHOD): self = .connectionCloseOK
    case amqp_method_number_t(AMQP_CONNECTION_BLOCKED_METHOD):
      self = .connectionBlocked(reason: fields(amqp_connection_blocked_t.self).reason.text)
    case amqp_method_number_t(AMQP_CONNECTION_UNBLOCKED_METHOD): self = .connectionUnblocked
    case amqp_method_number_t(AMQP_CHANNEL_OPEN_OK_METHOD): self = .channelOpenOK
    case amqp_method_number_t(AMQP_CHANNEL_CLOSE_METHOD):
      let close = fields(amqp_channel_close_t.self)
      self = .channelClose(code: close.reply_code, text: close.reply_text.text)
    case amqp_method_number_t(AMQP_BASIC_CANCEL_METHOD): self = .consumerCancelled
    case amqp_method_number_t(AMQP_BASIC_DELIVER_METHOD):
      let delivery = fields(amqp_basic_deliver_t.self)
      self = .delivery(tag: delivery.delivery_tag, routingKey: delivery.routing_key.text)
    case amqp_method_number_t(AMQP_BASIC_RETURN_METHOD):
      let returned = fields(amqp_basic_return_t.self)
      self = .returned(code: returned.reply_code, routingKey: returned.routing_key.text)
    case amqp_method_number_t(AMQP_BASIC_ACK_METHOD):
      let ack = fields(amqp_basic_ack_t.self)
      self = .acknowledged(tag: ack.delivery_tag, isMultiple: ack.multiple != 0)
    case amqp_method_number_t(AMQP_BASIC_NACK_METHOD):
      let nack = fields(amqp_basic_nack_t.self)
      self = .rejected(tag: nack.delivery_tag, isMultiple: nack.multiple != 0)
    default:
      self = SetupAnswer(methodID: method.id).map { .setupOK($0) } ?? .other(id: method.id)
    }
  }
}

extension SetupAnswer {
  fileprivate init?(methodID: amqp_method_number_t) {
    switch methodID {
    case amqp_method_number_t(AMQP_CONFIRM_SELECT_OK_METHOD): self = .confirming
    case amqp_method_number_t(AMQP_EXCHANGE_DECLARE_OK_METHOD): self = .exchangeDeclared
    case amqp_method_number_t(AMQP_QUEUE_DECLARE_OK_METHOD): self = .queueDeclared
    case amqp_method_number_t(AMQP_QUEUE_BIND_OK_METHOD): self = .queueBound
    case amqp_method_number_t(AMQP_BASIC_QOS_OK_METHOD): self = .prefetchSet
    case amqp_method_number_t(AMQP_BASIC_CONSUME_OK_METHOD): self = .consuming
    default: return nil
    }
  }
}

extension amqp_bytes_t {
  fileprivate var text: String {
    String(decoding: UnsafeRawBufferPointer(start: bytes, count: len), as: UTF8.self)
  }
}
