# shellcheck shell=bash
# RabbitMQ: carries messages between the nodes. It has an epmd of its own, Erlang's name server,
# which would otherwise be shared by every Erlang program of this machine.

amqp_url="amqp://guest:guest@127.0.0.1:$amqp_port"

start_rabbitmq() {
  data_folder rabbitmq rabbitmq
  rabbitmq_files
  rabbitmq_environment
  running epmd || spawn epmd rabbitmq "${rabbitmq_env[@]}" \
    epmd -address 127.0.0.1 -port "$epmd_port"
  await epmd 10 accepts "$epmd_port"

  # The script in /usr/sbin insists on the system's own settings.
  local scripts=(/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin)
  rm -f "$state/rabbitmq/pid"
  : >"$state/rabbitmq.log"
  spawn rabbitmq rabbitmq "${rabbitmq_env[@]}" "${scripts[-1]}/rabbitmq-server"
  await rabbitmq 60 rabbitmq_ready
  # What was started is a shell; its child is the broker.
  record rabbitmq "$(<"$state/rabbitmq/pid")"
}

rabbitmq_ready() {
  grep -q "Starting broker... completed" "$state/rabbitmq.log" && accepts "$amqp_port"
}

rabbitmq_files() {
  local home="$state/rabbitmq"
  mkdir -p "$home"/{home,mnesia,log,schema}
  if [[ ! -e $home/home/.erlang.cookie ]]; then
    head -c 15 /dev/urandom | base64 | tr -dc A-Za-z0-9 >"$home/home/.erlang.cookie"
    chmod 400 "$home/home/.erlang.cookie"
  fi
  cat >"$home/rabbitmq.conf" <<CONF
listeners.tcp.1 = 127.0.0.1:$amqp_port
log.file.level = info
log.console = false
vm_memory_high_watermark.absolute = 1GiB
disk_free_limit.absolute = 50MB
heartbeat = 10
CONF
  say "[]." >"$home/enabled_plugins"
  ((EUID != 0)) || chown -R rabbitmq:rabbitmq "$home"
}

# Sets `rabbitmq_env`, the words that run a command with the broker's whole environment.
rabbitmq_environment() {
  local home="$state/rabbitmq" quiet="+sbwt none +sbwtdcpu none +sbwtdio none"
  rabbitmq_env=(
    env -i PATH=/usr/bin:/bin LANG=C.UTF-8 HOME="$home/home"
    # Never the machine's name: one that is missing in /etc/hosts hangs the start.
    RABBITMQ_NODENAME=chat@localhost
    RABBITMQ_NODE_IP_ADDRESS=127.0.0.1
    RABBITMQ_NODE_PORT="$amqp_port"
    RABBITMQ_DIST_PORT="$erlang_port"
    RABBITMQ_MNESIA_BASE="$home/mnesia"
    RABBITMQ_LOG_BASE="$home/log"
    RABBITMQ_CONFIG_FILE="$home/rabbitmq"
    RABBITMQ_CONF_ENV_FILE=/dev/null
    RABBITMQ_ENABLED_PLUGINS_FILE="$home/enabled_plugins"
    RABBITMQ_PID_FILE="$home/pid"
    RABBITMQ_GENERATED_CONFIG_DIR="$home/schema"
    RABBITMQ_SCHEMA_DIR="$home/schema"
    ERL_EPMD_PORT="$epmd_port"
    ERL_EPMD_ADDRESS=127.0.0.1
    ERL_CRASH_DUMP=/dev/null
    # Else it listens on every address, and its schedulers burn the cores while idle.
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {127,0,0,1} $quiet"
    RABBITMQ_CTL_ERL_ARGS="+sbwt none"
  )
}

# rabbitmqctl for this broker.
rabbitmq_control() {
  local scripts=(/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin)
  rabbitmq_environment
  run_as rabbitmq "${rabbitmq_env[@]}" "${scripts[-1]}/rabbitmqctl" "$@"
}

stop_rabbitmq() { stop_process rabbitmq TERM 30; }

stop_epmd() { stop_process epmd TERM 5; }
