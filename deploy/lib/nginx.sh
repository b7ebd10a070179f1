# shellcheck shell=bash
# nginx: one address for all nodes. See nginx.conf.in for what "sticky" means.

nginx_url="ws://127.0.0.1:$nginx_port/ws"

start_nginx() {
  data_folder nginx www-data
  nginx_configuration
  spawn nginx www-data /usr/sbin/nginx -e stderr -c "$state/nginx.conf"
  await nginx 10 accepts "$nginx_port"
}

nginx_configuration() {
  local name servers="" balance="" text
  case ${CHAT_CLUSTER_BALANCE:-sticky} in
    sticky) balance="hash \$sticky_key consistent;" ;;
    round-robin) ;;
    *) fail "CHAT_CLUSTER_BALANCE is sticky or round-robin" ;;
  esac
  for name in $(node_names); do
    servers+="server 127.0.0.1:$(client_port "$name") max_fails=0;"$'\n    '
  done
  text=$(<"$root/deploy/lib/nginx.conf.in")
  text=${text//@state@/"$state/nginx"}
  text=${text//@port@/"$nginx_port"}
  text=${text//@balance@/"$balance"}
  say "${text//@servers@/"$servers"}" >"$state/nginx.conf"
}

# Makes a running nginx know the nodes there are now, without closing a connection.
reload_nginx() {
  nginx_configuration
  signal nginx HUP
}

stop_nginx() { stop_process nginx TERM 5; }
