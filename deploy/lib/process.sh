# shellcheck shell=bash
# Processes that outlive the script: each has `NAME.pid` and `NAME.log` in the cluster's folder.

# run_as USER COMMAND...: without root everything runs as ourselves.
run_as() {
  as_user "$1"
  "${as[@]}" "${@:2}"
}

# Sets `as`, the words in front of a command that shall run as user $1.
as_user() {
  as=()
  if ((EUID == 0)) && [[ $1 != root ]]; then
    as=(setpriv --reuid="$1" --regid="$1" --clear-groups --inh-caps=-all)
  fi
}

# spawn NAME USER COMMAND...: starts a command in a session of its own and records its process.
spawn() {
  local name=$1
  as_user "$2"
  shift 2
  (
    close_inherited
    exec setsid "${as[@]}" "$@" </dev/null >>"$state/$name.log" 2>&1
  ) &
  record "$name" "$!"
}

# A daemon that kept our caller's descriptors would hold its locks and pipes for ever.
close_inherited() {
  local descriptor
  for descriptor in /proc/self/fd/*; do
    descriptor=${descriptor##*/}
    ((descriptor <= 2)) || exec {descriptor}>&-
  done 2>/dev/null
}

# A process is recorded with its start time, so that its number used again is not taken for it.
record() {
  say "$2 $(start_time "$2")" >"$state/$1.pid"
}

# Prints when a live process started; prints nothing for one that is gone or a zombie.
start_time() {
  local line
  read -r line 2>/dev/null <"/proc/$1/stat" || return 0
  # The command's name may hold spaces; the state is the first field behind its parenthesis.
  read -ra line <<<"${line##*) }"
  [[ ${line[0]} == [ZX] ]] || say "${line[19]}"
}

# Prints the process of NAME; fails when it does not run.
pid_of() {
  local pid started
  read -r pid started 2>/dev/null <"$state/$1.pid" || return 1
  [[ -n $started && $(start_time "$pid") == "$started" ]] || return 1
  say "$pid"
}

running() { pid_of "$1" >/dev/null; }

# signal NAME SIGNAL
signal() {
  local pid
  pid=$(pid_of "$1") || return 0
  kill -s "$2" "$pid" 2>/dev/null || true
}

# signal_group NAME SIGNAL: to its process and to what that has started.
signal_group() {
  local pid group
  pid=$(pid_of "$1") || return 0
  group=$(ps -o pgid= -p "$pid") || return 0
  kill -s "$2" -- "-${group// /}" 2>/dev/null || true
}

# stop_process NAME SIGNAL SECONDS: asks, waits, then kills the whole process group.
stop_process() {
  local pid group
  pid=$(pid_of "$1") || return 0
  group=$(ps -o pgid= -p "$pid") || return 0
  kill -s "$2" "$pid" 2>/dev/null || true
  if ! wait_until "$3" gone "$1"; then
    say "$1 did not stop within $3 s; killing it"
    kill -s KILL -- "-${group// /}" 2>/dev/null || true
    wait_until 5 gone "$1" || fail "$1 (process $pid) cannot be ended"
  fi
}

gone() { ! running "$1"; }

# wait_until SECONDS COMMAND...: repeats a command until it succeeds.
wait_until() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < deadline)) || return 1
    sleep 0.05
  done
}

accepts() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# await NAME SECONDS COMMAND...: waits for a server to be ready; when it is not, shows why.
await() {
  local name=$1 seconds=$2
  shift 2
  wait_until "$seconds" ready_or_dead "$name" "$@" && running "$name" && return
  tail -n 15 "$state/$name.log" >&2
  fail "$name did not start; its log is $state/$name.log"
}

ready_or_dead() {
  local name=$1
  shift
  "$@" || gone "$name"
}
