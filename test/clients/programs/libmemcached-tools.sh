#!/bin/sh
# The common script by libmemcached's own programs: libmemcached-tools.sh PORT text|binary
set -eu
port=$1
protocol=$2
case $protocol in binary) binary=--binary ;; *) binary= ;; esac
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

# Runs one of the programs on the server, by the wanted protocol if it knows it.
tool() {
  program=$1
  shift
  case $program in
    memcping | memcstat) "$program" --servers="127.0.0.1:$port" "$@" ;;
    *) "$program" --servers="127.0.0.1:$port" $binary "$@" ;;
  esac
}

fail() {
  echo "$*" >&2
  exit 1
}

printf 'one' >tool-a
printf 'two' >tool-b
tool memccp --set tool-a tool-b
[ "$(tool memccat tool-a)" = one ] || fail 'memccat: not what memccp stored'
tool memcexist tool-a || fail 'memcexist: not there'
tool memcrm tool-a
! tool memccat tool-a 2>/dev/null || fail 'memccat: still there after memcrm'
! tool memcexist tool-a || fail 'memcexist: still there after memcrm'
echo store

head -c 800000 /dev/urandom >tool-large
tool memccp --set tool-large
tool memccat --file=got tool-large
cmp got tool-large
! tool memccat tool-none 2>/dev/null || fail 'memccat: a key that nobody stored'
echo fetch

tool memccat tool-b tool-large >got
[ "$(head -c 3 got)" = two ] || fail 'memccat of two keys'
echo multi

printf 'x' >tool-short
printf 'x' >tool-touched
printf 'x' >tool-long
tool memccp --set --expire=1 tool-short
tool memccp --set --expire=1000 tool-touched tool-long
tool memctouch --expire=1 tool-touched
tries=0
while tool memcexist tool-short || tool memcexist tool-touched; do
  tries=$((tries + 1))
  [ "$tries" -lt 100 ] || fail 'it does not expire'
  sleep 0.05
done
tool memcexist tool-long || fail 'it expires before its time'
echo expiry

tool memcping || fail 'memcping'
tool memcstat | grep -q 'pid: [0-9]' || fail 'memcstat'
tool memcflush
! tool memcexist tool-b || fail 'memcflush: still there'
echo stats
