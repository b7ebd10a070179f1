// naive-chain: what a message between two nodes costs when each goes alone.
//
// Each publisher asks Redis where the recipient is (one GET), publishes to RabbitMQ (mandatory)
// and waits for the confirm, message by message, with the libraries' blocking calls. One consumer
// takes the messages from the queue and acknowledges each. No database.
//
// Use: naive-chain -a AMQP_PORT -r REDIS_PORT [-t SECONDS] [-n PUBLISHERS] [-s BYTES] [-R RATE]
#include "broker.h"
#include "clock.h"
#include "fail.h"
#include "histogram.h"

#include <hiredis/hiredis.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { USERS = 100, PUBLISHERS_MAX = 64 };

static struct {
  int amqp_port, redis_port, publishers, size;
  double seconds, rate;  // of all publishers; 0 for as fast as they can
} option = {.publishers = 1, .size = 200, .seconds = 5};

static atomic_bool stopping;
static atomic_ulong published;

static redisContext *connect_redis(void) {
  redisContext *redis = redisConnect("127.0.0.1", option.redis_port);
  if (!redis || redis->err) fail("cannot connect to Redis on port %d", option.redis_port);
  return redis;
}

static void expect(redisReply *reply, int type, const char *what) {
  if (!reply || reply->type != type) fail("Redis: unexpected answer to %s", what);
  freeReplyObject(reply);
}

/// Every user is on the one node that there is.
static void register_users(redisContext *redis) {
  for (int user = 0; user < USERS; user++)
    expect(redisCommand(redis, "SET naive:%d server2", user), REDIS_REPLY_STATUS, "SET");
}

static void unregister_users(redisContext *redis) {
  for (int user = 0; user < USERS; user++)
    expect(redisCommand(redis, "DEL naive:%d", user), REDIS_REPLY_INTEGER, "DEL");
}

static void *publish(void *unused) {
  (void)unused;
  redisContext *redis = connect_redis();
  amqp_connection_state_t broker = broker_connect(option.amqp_port);
  broker_select_confirms(broker);
  char *body = malloc((size_t)option.size);
  if (!body) fail("out of memory");
  memset(body, 'x', (size_t)option.size);
  uint64_t start = now_ns();
  for (uint64_t sent = 0; !stopping; sent++) {
    if (option.rate > 0)
      sleep_until(start + (uint64_t)((double)sent * 1e9 * option.publishers / option.rate));
    expect(redisCommand(redis, "GET naive:%d", (int)(sent % USERS)), REDIS_REPLY_STRING, "GET");
    uint64_t now = now_ns();
    memcpy(body, &now, sizeof now);
    broker_publish(broker, body, (size_t)option.size);
    broker_await_confirm(broker, sent + 1);
    published++;
  }
  broker_disconnect(broker);
  redisFree(redis);
  free(body);
  return NULL;
}

/// Consumes until the deadline; what arrives before `counting` is not counted.
static uint64_t consume(amqp_connection_state_t broker, uint64_t counting, uint64_t deadline,
                        struct histogram *latency) {
  uint64_t now, consumed = 0;
  while ((now = now_ns()) < deadline) {
    uint64_t stamp;
    if (!broker_consume(broker, &stamp, sizeof stamp)) continue;
    now = now_ns();
    if (now < counting) continue;
    histogram_record(latency, now - stamp);
    consumed++;
  }
  return consumed;
}

static void read_options(int argc, char **argv) {
  for (int letter; (letter = getopt(argc, argv, "a:r:t:n:s:R:")) != -1;) {
    switch (letter) {
      case 'a': option.amqp_port = (int)number(optarg, 1, 65535); break;
      case 'r': option.redis_port = (int)number(optarg, 1, 65535); break;
      case 't': option.seconds = number(optarg, 0.1, 1e5); break;
      case 'n': option.publishers = (int)number(optarg, 1, PUBLISHERS_MAX); break;
      case 's': option.size = (int)number(optarg, sizeof(uint64_t), 1e6); break;
      case 'R': option.rate = number(optarg, 1, 1e7); break;
      default: exit(2);
    }
  }
  if (!option.amqp_port || !option.redis_port) fail("-a AMQP_PORT and -r REDIS_PORT are missing");
}

int main(int argc, char **argv) {
  static struct histogram latency;
  read_options(argc, argv);
  redisContext *redis = connect_redis();
  register_users(redis);
  amqp_connection_state_t broker = broker_connect(option.amqp_port);
  broker_declare(broker);
  pthread_t publishers[PUBLISHERS_MAX];
  for (int i = 0; i < option.publishers; i++)
    if (pthread_create(&publishers[i], NULL, publish, NULL)) fail("no thread");

  // The first half second warms up.
  uint64_t start = now_ns() + 500000000u, end = start + (uint64_t)(option.seconds * 1e9);
  uint64_t consumed = consume(broker, start, end, &latency);
  stopping = true;
  for (int i = 0; i < option.publishers; i++) pthread_join(publishers[i], NULL);
  printf("{\"publishers\":%d,\"published\":%lu,\"consumed_per_s\":%.1f,", option.publishers,
         (unsigned long)published, (double)consumed / option.seconds);
  histogram_print_us(&latency, "publish_to_consume_us");
  puts("}");
  broker_delete(broker);
  broker_disconnect(broker);
  unregister_users(redis);
  redisFree(redis);
  return 0;
}
