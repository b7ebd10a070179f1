# shellcheck shell=bash
# The chat nodes server1, server2, ...

client_port() { say $((port_base + 10 + ${1#server})); }
ops_port() { say $((port_base + 40 + ${1#server})); }
node_url() { say "ws://127.0.0.1:$(client_port "$1")/ws"; }
ops_url() { say "http://127.0.0.1:$(ops_port "$1")"; }

node_names() {
  local number
  for ((number = 1; number <= nodes; number++)); do say "server$number"; done
}

spawn_node() {
  local extra origin="http://127.0.0.1:$nginx_port"
  # Options for all nodes, such as --send-rate 200, separated by spaces.
  read -ra extra <<<"${CHAT_CLUSTER_NODE_OPTIONS:-}"
  spawn "$1" "$(id -un)" "$build/chat-server" --node-id "$1" \
    --listen "127.0.0.1:$(client_port "$1")" --ops-listen "127.0.0.1:$(ops_port "$1")" \
    --redis "$redis_url" --amqp "$amqp_url" --database "$database_url" \
    --allowed-origin "$origin" --trusted-proxy 127.0.0.1 "${extra[@]}"
}

await_node() { await "$1" 30 node_ready "$1"; }

node_ready() {
  curl --silent --fail --max-time 2 --output /dev/null "$(ops_url "$1")/readyz"
}

start_node() {
  spawn_node "$1"
  await_node "$1"
}

# Drains: its clients are sent elsewhere over as much as half a minute.
stop_node() { stop_process "$1" TERM 60; }

# A second TERM ends a node at once.
end_node() {
  signal "$1" TERM
  stop_process "$1" TERM 5
}
