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

# Sets `back_ends`, where a node finds the other servers: at themselves, or at links of its own
# that somebody has laid in between, with three ports for each node.
back_ends_of() {
  local first
  back_ends=(--redis "$redis_url" --amqp "$amqp_url" --database "$database_url")
  [[ -n ${CHAT_CLUSTER_LINKS:-} ]] || return 0
  first=$((CHAT_CLUSTER_LINKS + 3 * (${1#server} - 1)))
  back_ends=(
    --redis "${redis_url/:$redis_port/:$first}"
    --amqp "${amqp_url/:$amqp_port/:$((first + 1))}"
    --database "${database_url/:$postgres_port/:$((first + 2))}"
  )
}

spawn_node() {
  local extra origin="http://127.0.0.1:$nginx_port"
  # Options for all nodes, such as --send-rate 200, separated by spaces.
  read -ra extra <<<"${CHAT_CLUSTER_NODE_OPTIONS:-}"
  back_ends_of "$1"
  spawn "$1" "$(id -un)" "$build/chat-server" --node-id "$1" \
    --listen "127.0.0.1:$(client_port "$1")" --ops-listen "127.0.0.1:$(ops_port "$1")" \
    "${back_ends[@]}" \
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
