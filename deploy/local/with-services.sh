#!/usr/bin/env bash
# Runs a command beside a real PostgreSQL, Kafka and mail sink, and stops them afterwards, whatever happens.
#
#   with-services.sh COMMAND [ARGS...]
#
# The command sees KEFU_TEST_POSTGRES, KEFU_TEST_KAFKA, KEFU_TEST_SMTP and KEFU_TEST_MAILDIR; its exit
# code is returned. A service whose variable is already set is taken as given and not started. Every run
# begins with empty services; their logs stay in .local/test until the next run.
#   KEFU_LOCAL_DIR=DIR          instead of .local/test (two runs at once need two folders)
#   KEFU_POSTGRES_FSYNC=on      instead of off
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
[ $# -gt 0 ] || die "usage: with-services.sh COMMAND [ARGS...]"

base=${KEFU_LOCAL_DIR:-$here/../../.local/test}
mkdir -p "$base"
base=$(cd -- "$base" && pwd -P)
if has flock; then
    exec 7>"$base/lock"
    flock -n 7 || die "another run uses $base; wait for it, or set KEFU_LOCAL_DIR"
fi

started=()
# shellcheck disable=SC2317 # called by the trap
stop_all() {
    trap '' INT TERM HUP # let the stopping finish
    for name in "${started[@]}"; do
        "$here/$name.sh" stop --dir "$base/$name" 7>&- || log "$name did not stop cleanly"
    done
}
trap stop_all EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

launch() {
    local name=$1 lines; shift
    "$here/$name.sh" clean --dir "$base/$name" 7>&- # also ends what a killed run left
    started+=("$name")
    lines=$("$here/$name.sh" start --dir "$base/$name" "$@" 7>&-)
    eval "$lines"
}
[ -n "${KEFU_TEST_KAFKA:-}" ] || launch kafka
[ -n "${KEFU_TEST_POSTGRES:-}" ] || launch postgres --fsync "${KEFU_POSTGRES_FSYNC:-off}"
[ -n "${KEFU_TEST_SMTP:-}" ] || launch smtp
log "services ready after $SECONDS s"

code=0
"$@" 7>&- || code=$?
exit "$code"
