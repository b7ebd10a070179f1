#!/bin/bash
# Runs the tests with a sanitizer: deploy/lib/sanitize.sh address|thread
# The unit tests, those with servers, and the hostile part of the end to end tests against a
# chat-server that is built with it.
set -euo pipefail
. "$(dirname "$0")/common.sh"

server_tests='AMQPClientTests|RedisClientTests|ChatBackendsTests|TLSTests'
# Values go in and come out of these; nothing in them lives longer than a test.
codec_tests='^(Bytes|JSON|HTTP1|WebSocket|SockJS|STOMP|Forwarding|ChatProtocol|Fuzzers)Tests'

sanitizer=${1:-}
case $sanitizer in
  address | thread) ;;
  *) fail "no sanitizer '$sanitizer'; there are: address thread" ;;
esac
folder=$root/.build-$sanitizer
# Without XCTest, whose own suites would be run, and leak.
tests=(
  swift test --package-path "$root" --scratch-path "$folder" --sanitize "$sanitizer" --skip-build
  --disable-xctest
)

cd "$root"
swift build --build-tests --sanitize "$sanitizer" --scratch-path "$folder"
case $sanitizer in
  address)
    # A false report, out of a thunk of the toolchain's around Foundation's NSNumber.
    tests+=(--skip 'writes the numbers at the edges')
    ASAN_OPTIONS=detect_leaks=1 "${tests[@]}" --filter "$codec_tests"
    # Loops and what is registered on them hold each other, and tests let go of both.
    export ASAN_OPTIONS=detect_leaks=0
    "${tests[@]}" --skip "$codec_tests" --skip "$server_tests"
    ;;
  thread)
    # Threads are in the loops and their mailboxes, not in the codecs.
    "${tests[@]}" --skip "$codec_tests" --skip "$server_tests"
    ;;
esac
"${tests[@]}" --filter "$server_tests"
CHAT_BUILD=$folder/debug "$python_env/bin/python" -m pytest -p no:cacheprovider \
  Tests/EndToEnd/test_chat.py
