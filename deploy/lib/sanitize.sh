#!/bin/bash
# Runs the tests with a sanitizer: deploy/lib/sanitize.sh address|thread
# Unit tests in a build with it, and conversations with a chat-server of that build.
set -euo pipefail
. "$(dirname "$0")/common.sh"

# Values go in and come out of these; nothing in them lives longer than a test, and no thread runs.
codec_tests='^(Bytes|HTTP1|WebSocket|SockJS|STOMP|Forwarding|ChatProtocol|Fuzzers)Tests'
server_tests='AMQPClientTests|RedisClientTests|ChatBackendsTests'

sanitizer=${1:-}
case $sanitizer in
  address | thread) ;;
  *) fail "no sanitizer '$sanitizer'; there are: address thread" ;;
esac
folder=$root/.build-$sanitizer
build=(--scratch-path "$folder" --sanitize "$sanitizer")
# Without XCTest, whose own suites leak. Tests of memory look at this.
tests=(env CHAT_SANITIZED="$sanitizer" swift test "${build[@]}" --skip-build --disable-xctest)
conversations=(Tests/EndToEnd/test_chat.py)

cd "$root"
swift build --build-tests "${build[@]}"
case $sanitizer in
  address)
    # A false report, out of a thunk of the toolchain's around Foundation's NSNumber.
    ASAN_OPTIONS=detect_leaks=1 "${tests[@]}" --filter "$codec_tests" \
      --skip 'writes the numbers at the edges'
    # Loops and what is registered on them hold each other, and tests let go of both.
    export ASAN_OPTIONS=detect_leaks=0
    "${tests[@]}" --skip "$codec_tests|$server_tests"
    conversations+=(Tests/EndToEnd/test_websocket_input.py)
    ;;
  thread)
    "${tests[@]}" --skip "$codec_tests|$server_tests"
    # A test's loops end when they come to it, perhaps after the process has.
    export TSAN_OPTIONS=report_thread_leaks=0
    # One at a time: servers that start beside others are late under it.
    "${tests[@]}" --no-parallel --filter "$server_tests"
    ;;
esac
CHAT_SANITIZED=$sanitizer CHAT_BUILD=$folder/debug \
  "$python_env/bin/python" -m pytest -p no:cacheprovider "${conversations[@]}"
