#pragma once

#include <amqp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// RabbitMQ through librabbitmq's blocking calls, channel 1 of a connection. Whatever goes wrong
// ends the program.

amqp_connection_state_t broker_connect(int port);

void broker_disconnect(amqp_connection_state_t connection);

/// A durable topic exchange and queue, as the server has them, and a consumer of that queue.
void broker_declare(amqp_connection_state_t connection);

/// Deletes what `broker_declare` made.
void broker_delete(amqp_connection_state_t connection);

void broker_select_confirms(amqp_connection_state_t connection);

/// Publishes one message, mandatory and not persistent.
void broker_publish(amqp_connection_state_t connection, void *body, size_t length);

/// Waits until the message with this tag is confirmed.
void broker_await_confirm(amqp_connection_state_t connection, uint64_t tag);

/// Takes and acknowledges one message and copies its first bytes; false when none came in time.
bool broker_consume(amqp_connection_state_t connection, void *bytes, size_t length);
