# shellcheck shell=bash
# Redis: routes, leases and presence. Nothing in it is worth keeping.

redis_url="redis://127.0.0.1:$redis_port"

start_redis() {
  data_folder redis redis
  spawn redis redis /usr/bin/redis-server --bind 127.0.0.1 --port "$redis_port" \
    --dir "$state/redis" --save "" --appendonly no --daemonize no
  await redis 10 accepts "$redis_port"
}

stop_redis() { stop_process redis TERM 5; }
