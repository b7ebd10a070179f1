# shellcheck shell=bash
# What every script here shares: where things are, how to speak, how to build.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# One environment per set of pinned packages, shared by every checkout.
python_env=${XDG_CACHE_HOME:-$HOME/.cache}/chat-server/python-$(
  cksum <"$root/deploy/requirements.txt" | cut -d ' ' -f 1)
program=deploy/$(basename "$0")

say() { printf '%s\n' "$*"; }

fail() {
  printf '%s: %s\n' "$program" "$*" >&2
  exit 1
}

# Runs a command as root, by sudo where we are not.
as_root() {
  if ((EUID == 0)); then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    fail "not root, and no sudo; run as root: $*"
  fi
}

# Prints the folder of the built programs: $CHAT_BUILD as it is, or else a fresh release build.
programs() {
  if [[ -z ${CHAT_BUILD:-} ]]; then
    (cd "$root" && swift build --configuration release >&2) || fail "the release build failed"
  fi
  say "${CHAT_BUILD:-$root/.build/release}"
}
