# shellcheck shell=bash
# PostgreSQL: the messages.

database_url="postgres://chat@127.0.0.1:$postgres_port/chat"

start_postgres() {
  local versions=(/usr/lib/postgresql/*/bin) data="$state/postgres/data"
  local bin=${versions[-1]}
  data_folder postgres postgres
  if [[ ! -e $data/PG_VERSION ]]; then
    rm -rf "$data"
    run_as postgres "$bin/initdb" --no-sync --username=chat --auth=trust --encoding=UTF8 \
      --locale=C.UTF-8 --pgdata="$data" >>"$state/postgres.log" 2>&1 ||
      fail "initdb failed; see $state/postgres.log"
  fi
  # A killed server's children leave by themselves, a little later.
  wait_until 10 unused "$data" || fail "a killed PostgreSQL still uses $data"
  # Its lock files stay, and PostgreSQL believes them when another process has its number by now.
  # Nobody works in the folder, and the socket's folder is this server's too: both are stale.
  rm -f "$data/postmaster.pid" "$state/postgres/.s.PGSQL.$postgres_port"{,.lock}
  spawn postgres postgres "$bin/postgres" -D "$data" -h 127.0.0.1 -p "$postgres_port" \
    -k "$state/postgres" -c max_connections=200
  await postgres 30 "$bin/pg_isready" -q -h 127.0.0.1 -p "$postgres_port"
  "$bin/psql" -qAt -d "${database_url%/chat}/postgres" \
    -c "SELECT 1 FROM pg_database WHERE datname = 'chat'" | grep -q 1 ||
    "$bin/createdb" --maintenance-db="${database_url%/chat}/postgres" chat
}

# Whether no process works in a folder.
unused() {
  local folder
  for folder in /proc/[0-9]*/cwd; do
    [[ ! $folder -ef $1 ]] || return 1
  done
}

# INT: ends open transactions instead of waiting for them.
stop_postgres() { stop_process postgres INT 20; }
