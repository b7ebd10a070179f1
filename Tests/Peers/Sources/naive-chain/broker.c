#include "broker.h"

#include "fail.h"

#include <amqp_framing.h>
#include <amqp_tcp_socket.h>
#include <string.h>
#include <sys/time.h>

enum { FRAME_MAX = 131072, PREFETCH = 1000 };

static const amqp_channel_t channel = 1;
static const struct timeval patience = {.tv_sec = 0, .tv_usec = 100000};

static amqp_bytes_t exchange_name(void) { return amqp_cstring_bytes("naive.exchange"); }
static amqp_bytes_t queue_name(void) { return amqp_cstring_bytes("naive.queue"); }
static amqp_bytes_t routing_key(void) { return amqp_cstring_bytes("naive.server2"); }

static void check(amqp_rpc_reply_t reply, const char *what) {
  if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION)
    fail("%s: %s", what, amqp_error_string2(reply.library_error));
  if (reply.reply_type != AMQP_RESPONSE_NORMAL) fail("%s: refused by the broker", what);
}

static void check_last(amqp_connection_state_t connection, const char *what) {
  check(amqp_get_rpc_reply(connection), what);
}

amqp_connection_state_t broker_connect(int port) {
  amqp_connection_state_t connection = amqp_new_connection();
  amqp_socket_t *socket = amqp_tcp_socket_new(connection);
  if (!socket || amqp_socket_open(socket, "127.0.0.1", port))
    fail("cannot connect to RabbitMQ on port %d", port);
  check(amqp_login(connection, "/", 0, FRAME_MAX, 0, AMQP_SASL_METHOD_PLAIN, "guest", "guest"),
        "login");
  amqp_channel_open(connection, channel);
  check_last(connection, "channel.open");
  return connection;
}

void broker_disconnect(amqp_connection_state_t connection) {
  check(amqp_connection_close(connection, AMQP_REPLY_SUCCESS), "connection.close");
  amqp_destroy_connection(connection);
}

void broker_declare(amqp_connection_state_t connection) {
  amqp_exchange_declare(connection, channel, exchange_name(), amqp_cstring_bytes("topic"), 0, 1, 0,
                        0, amqp_empty_table);
  check_last(connection, "exchange.declare");
  amqp_queue_declare(connection, channel, queue_name(), 0, 1, 0, 0, amqp_empty_table);
  check_last(connection, "queue.declare");
  amqp_queue_purge(connection, channel, queue_name());
  check_last(connection, "queue.purge");
  amqp_queue_bind(connection, channel, queue_name(), exchange_name(), routing_key(),
                  amqp_empty_table);
  check_last(connection, "queue.bind");
  amqp_basic_qos(connection, channel, 0, PREFETCH, 0);
  check_last(connection, "basic.qos");
  amqp_basic_consume(connection, channel, queue_name(), amqp_empty_bytes, 0, 0, 0,
                     amqp_empty_table);
  check_last(connection, "basic.consume");
}

void broker_delete(amqp_connection_state_t connection) {
  amqp_queue_delete(connection, channel, queue_name(), 0, 0);
  check_last(connection, "queue.delete");
  amqp_exchange_delete(connection, channel, exchange_name(), 0);
  check_last(connection, "exchange.delete");
}

void broker_select_confirms(amqp_connection_state_t connection) {
  amqp_confirm_select(connection, channel);
  check_last(connection, "confirm.select");
}

void broker_publish(amqp_connection_state_t connection, void *body, size_t length) {
  amqp_basic_properties_t properties = {._flags = AMQP_BASIC_DELIVERY_MODE_FLAG,
                                        .delivery_mode = AMQP_DELIVERY_NONPERSISTENT};
  int status = amqp_basic_publish(connection, channel, exchange_name(), routing_key(), 1, 0,
                                  &properties, (amqp_bytes_t){length, body});
  if (status) fail("basic.publish: %s", amqp_error_string2(status));
}

void broker_await_confirm(amqp_connection_state_t connection, uint64_t tag) {
  amqp_frame_t frame;
  amqp_maybe_release_buffers(connection);
  int status = amqp_simple_wait_frame(connection, &frame);
  if (status) fail("waiting for a confirm: %s", amqp_error_string2(status));
  if (frame.frame_type != AMQP_FRAME_METHOD || frame.payload.method.id != AMQP_BASIC_ACK_METHOD)
    fail("the broker did not confirm");
  const amqp_basic_ack_t *ack = frame.payload.method.decoded;
  if (ack->delivery_tag != tag) fail("a confirm of something else");
}

bool broker_consume(amqp_connection_state_t connection, void *bytes, size_t length) {
  amqp_envelope_t envelope;
  amqp_maybe_release_buffers(connection);
  struct timeval timeout = patience;
  amqp_rpc_reply_t reply = amqp_consume_message(connection, &envelope, &timeout, 0);
  if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION &&
      reply.library_error == AMQP_STATUS_TIMEOUT)
    return false;
  check(reply, "consuming");
  if (envelope.message.body.len < length) fail("a message that is too short");
  memcpy(bytes, envelope.message.body.bytes, length);
  amqp_basic_ack(connection, channel, envelope.delivery_tag, 0);
  amqp_destroy_envelope(&envelope);
  return true;
}
