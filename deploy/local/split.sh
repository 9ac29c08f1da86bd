#!/usr/bin/env bash
# Split mode on this machine: five processes, each with its own PostgreSQL database, on Apache Kafka.
#
#   split.sh start|stop|status|clean [--dir DIR]     everything (default DIR: .local/split)
#   split.sh service NAME start|stop|kill            one of customer, ticketing, quality, survey, notification
#
# start prints `export KEFU_…` lines: the URL of every service and of the local token issuer. Mails go
# to a local mail sink. The issuer (the suite's own, with the accounts in DIR/issuer/accounts.json)
# stands in for a company's OIDC provider and is for trying out only.
#   KEFU_OTLP_ENDPOINT=http://HOST:PORT    where spans go (default: nowhere)
#   KEFU_BIN_DIR=DIR                       binaries (default: target/debug)
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
default_dir=${KEFU_SPLIT_DIR:-$here/../../.local/split}
bin=${KEFU_BIN_DIR:-${CARGO_TARGET_DIR:-$here/../../target}/debug}
services=(customer ticketing quality survey notification)

secret() { # secret FILE: 64 hexadecimal digits, made once
    [ -s "$1" ] || (umask 077; head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$1")
    cat "$1"
}

url_of() { echo "http://127.0.0.1:$(cat "$root/$1/port")"; }

# start_process NAME COMMAND...: one server in $root/NAME, ready when its probe answers.
start_process() {
    local name=$1 probe=$2; shift 2
    dir=$root/$name
    spawn "$dir/log" "$@"
    wait_http 60 "$probe" "$dir/log"
}

wait_http() {
    local until=$((SECONDS + $1))
    until curl -fsS -o /dev/null --max-time 2 "$2" 2>/dev/null; do
        if [ "$SECONDS" -ge "$until" ] || ! kill -0 "$spawned" 2>/dev/null; then
            tail -n 30 "$3" >&2 || true
            die "$2 does not answer; the whole log: $3"
        fi
        sleep 0.05
    done
}

# A service's process is told by the pid file and its executable's name.
running() {
    pid=$(cat "$dir/pid" 2>/dev/null || true)
    [ -n "$pid" ] && grep -qa -- "kefu" "/proc/$pid/comm" 2>/dev/null
}

start_service() {
    local name=$1
    dir=$root/$name
    mkdir -p "$dir"
    if running; then return 0; fi
    [ -s "$dir/port" ] || free_port >"$dir/port"
    # shellcheck disable=SC1091 # written by start_all
    . "$root/parts.env"
    local public; public=$(url_of "$name")
    start_process "$name" "$public/health/ready" \
        env KEFU__HTTP__LISTEN="127.0.0.1:$(cat "$dir/port")" \
        KEFU__HTTP__PUBLIC_URL="$public" \
        KEFU__DATA__DIR="$dir/data" \
        KEFU__DATABASE__URL="${KEFU_TEST_POSTGRES%/*}/kefu_$name" \
        KEFU__DATABASE__AUTO_MIGRATE=true \
        KEFU__EVENTS__KIND=kafka \
        KEFU__EVENTS__BROKERS="$KEFU_TEST_KAFKA" \
        KEFU__AUTH__MODE=oidc \
        KEFU__AUTH__ISSUER="$(url_of issuer)" \
        KEFU__AUTH__JWKS_URL="$(url_of issuer)/oauth2/jwks" \
        KEFU__PII__ACTIVE=k1 \
        KEFU__PII__KEYS__K1="$(secret "$root/pii.key")" \
        KEFU__PII__INDEX_KEY="$(secret "$root/pii-index.key")" \
        KEFU__NOTIFICATION__EMAIL__KIND=smtp \
        KEFU__NOTIFICATION__EMAIL__HOST="${KEFU_TEST_SMTP%:*}" \
        KEFU__NOTIFICATION__EMAIL__PORT="${KEFU_TEST_SMTP##*:}" \
        KEFU__NOTIFICATION__EMAIL__TLS=none \
        KEFU__NOTIFICATION__WEBHOOKS__ALLOW_CIDRS="${KEFU_WEBHOOK_ALLOW_CIDRS:-}" \
        KEFU__NOTIFICATION__WEBHOOKS__ALLOW_HTTP="${KEFU_WEBHOOK_ALLOW_HTTP:-false}" \
        KEFU__TELEMETRY__OTLP_ENDPOINT="${KEFU_OTLP_ENDPOINT:-}" \
        "$bin/kefu-$name" serve
}

stop_service() { dir=$root/$1; [ ! -d "$dir" ] || stop_process; }

stop_process() {
    running || { rm -f "$dir/pid"; return 0; }
    kill "${1:--TERM}" "$pid" 2>/dev/null || true
    local n=0
    while running; do
        n=$((n + 1))
        [ "$n" -lt 400 ] || { log "process $pid does not end; killing it"; kill -9 "$pid"; }
        sleep 0.1
    done
    rm -f "$dir/pid"
}

print_exports() {
    local name
    for name in "${services[@]}"; do echo "export KEFU_${name^^}_URL=$(url_of "$name")"; done
    echo "export KEFU_ISSUER_URL=$(url_of issuer)"
    echo "export KEFU_ACCOUNTS=$root/issuer/accounts.json"
    cat "$root/parts.env"
}

start() {
    mkdir -p "$root"
    { "$here/postgres.sh" start --dir "$root/postgres" --fsync "${KEFU_POSTGRES_FSYNC:-on}"
      "$here/kafka.sh" start --dir "$root/kafka"
      if [ -n "${KEFU_TEST_SMTP:-}" ]; then printf 'export KEFU_TEST_SMTP=%q KEFU_TEST_MAILDIR=%q\n' "$KEFU_TEST_SMTP" "$KEFU_TEST_MAILDIR"
      else "$here/smtp.sh" start --dir "$root/smtp"; fi
    } >"$root/parts.env"
    # shellcheck disable=SC1091
    . "$root/parts.env"
    local name
    for name in "${services[@]}"; do
        psql -qAt "$KEFU_TEST_POSTGRES" -c "select 1 from pg_database where datname = 'kefu_$name'" | grep -q 1 ||
            psql -q "$KEFU_TEST_POSTGRES" -c "create database kefu_$name"
    done
    mkdir -p "$root/issuer"
    [ -s "$root/issuer/port" ] || free_port >"$root/issuer/port"
    dir=$root/issuer
    running || start_process issuer "$(url_of issuer)/oauth2/jwks" \
        "$bin/kefu" issuer --data "$root/issuer" --listen "127.0.0.1:$(cat "$root/issuer/port")"
    for name in "${services[@]}"; do mkdir -p "$root/$name"; start_service "$name"; done
    print_exports
    log "split mode runs; accounts in $root/issuer/accounts.json; end it with 'make down'"
}

stop() {
    local name
    for name in "${services[@]}"; do stop_service "$name"; done
    stop_service issuer
    for name in smtp kafka postgres; do
        [ ! -d "$root/$name" ] || "$here/$name.sh" stop --dir "$root/$name"
    done
}

status() {
    local name
    for name in "${services[@]}" issuer; do
        dir=$root/$name
        if running; then log "$name runs at $(url_of "$name"), process $pid"; else log "$name does not run"; fi
    done
}

clean() {
    stop
    for name in smtp kafka postgres; do
        [ ! -d "$root/$name" ] || "$here/$name.sh" clean --dir "$root/$name"
    done
    rm -rf "${root:?}"
}

root=$default_dir
case ${1:-} in
    start | stop | status | clean)
        command=$1; shift; parse_args "$@"; root=$dir
        case $root in /*) ;; *) root=$PWD/$root ;; esac
        mkdir -p "$root"; root=$(cd -- "$root" && pwd -P)
        "$command" ;;
    service)
        mkdir -p "$root"; root=$(cd -- "$root" && pwd -P)
        case ${3:-} in
            start) start_service "$2" ;;
            stop) stop_service "$2" ;;
            kill) dir=$root/$2; stop_process -KILL ;;
            *) die "usage: split.sh service NAME start|stop|kill" ;;
        esac ;;
    *) die "usage: split.sh start|stop|status|clean [--dir DIR], or split.sh service NAME start|stop|kill" ;;
esac
