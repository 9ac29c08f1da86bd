#!/usr/bin/env bash
# Split mode on this machine: every service a process with its own PostgreSQL database, on Apache Kafka.
#
#   split.sh start|stop|status|clean [--dir DIR]     everything (default DIR: .local/split)
#   split.sh prepare [--dir DIR]                     all but the services themselves
#   split.sh env [--dir DIR]                         the `export KEFU_…` lines of what runs
#   split.sh service NAME start|stop|kill|freeze|thaw
#                                                    one of customer, ticketing, quality, survey,
#                                                    notification, or with replicas ticketing-2 etc.
#
# start prints `export KEFU_…` lines: the URL of every service and of the local token issuer. Mails go
# to a local mail sink. The issuer (the suite's own, with the accounts in DIR/issuer/accounts.json)
# stands in for a company's OIDC provider and is for trying out only. What a service is started with
# stands in DIR/NAME/env, its output in DIR/NAME/log; the environment of this script is handed on to it.
#   KEFU_OTLP_ENDPOINT=http://HOST:PORT    where spans go (default: nowhere)
#   KEFU_BIN_DIR=DIR                       binaries (default: target/debug)
#   KEFU_REPLICAS=2                        processes of every service, on the same database (default: 1)
#   KEFU_BROKERS=3                         Kafka brokers (default: 1)
#   KEFU_FAKETIME=+1h                      what services started now take for the time of day
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
default_dir=${KEFU_SPLIT_DIR:-$here/../../.local/split}
bin=${KEFU_BIN_DIR:-${CARGO_TARGET_DIR:-$here/../../target}/debug}
services=(customer ticketing quality survey notification)

# Names of all service processes; the number of replicas is remembered by prepare.
processes() {
    local name n
    for ((n = 1; n <= $(cat "$root/replicas" 2>/dev/null || echo 1); n++)); do
        for name in "${services[@]}"; do if [ "$n" -eq 1 ]; then echo "$name"; else echo "$name-$n"; fi; done
    done
}

# A port that is not promised to another process of this folder, whether it runs or not.
new_port() {
    local p
    while p=$(free_port); do
        grep -qsx "$p" "$root"/*/port "$root"/kafka/*port "$root"/kafka/*/*port || break
    done
    echo "$p" >"$1"
}

secret() { # secret FILE: 64 hexadecimal digits, made once
    [ -s "$1" ] || (umask 077; head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$1")
    cat "$1"
}

url_of() { echo "http://$address:$(cat "$root/$1/port")"; }

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

# write_env NAME: everything a service process is started with.
write_env() {
    local service=${1%-[2-9]} public
    dir=$root/$1
    mkdir -p "$dir"
    [ -s "$dir/port" ] || new_port "$dir/port"
    public=$(url_of "$1")
    (umask 077; cat >"$dir/env") <<END
KEFU__HTTP__LISTEN=$address:$(cat "$dir/port")
KEFU__HTTP__PUBLIC_URL=$public
KEFU__DATA__DIR=$dir/data
KEFU__DATABASE__URL=${KEFU_TEST_POSTGRES%/*}/kefu_$service
KEFU__DATABASE__AUTO_MIGRATE=true
KEFU__EVENTS__KIND=kafka
KEFU__EVENTS__BROKERS=$KEFU_TEST_KAFKA
KEFU__AUTH__MODE=oidc
KEFU__AUTH__ISSUER=$(url_of issuer)
KEFU__AUTH__JWKS_URL=$(url_of issuer)/oauth2/jwks
KEFU__PII__ACTIVE=k1
KEFU__PII__KEYS__K1=$(secret "$root/pii.key")
KEFU__PII__INDEX_KEY=$(secret "$root/pii-index.key")
KEFU__NOTIFICATION__EMAIL__KIND=smtp
KEFU__NOTIFICATION__EMAIL__HOST=${KEFU_TEST_SMTP%:*}
KEFU__NOTIFICATION__EMAIL__PORT=${KEFU_TEST_SMTP##*:}
KEFU__NOTIFICATION__EMAIL__TLS=none
KEFU__NOTIFICATION__WEBHOOKS__ALLOW_CIDRS=${KEFU_WEBHOOK_ALLOW_CIDRS:-}
KEFU__NOTIFICATION__WEBHOOKS__ALLOW_HTTP=${KEFU_WEBHOOK_ALLOW_HTTP:-false}
KEFU__TELEMETRY__OTLP_ENDPOINT=${KEFU_OTLP_ENDPOINT:-}
END
}

# launch NAME: starts a service process, unless it runs. Its settings give way to the environment.
launch() {
    dir=$root/$1
    if running; then return 0; fi
    [ -s "$dir/env" ] || die "there is no $1; one of: $(processes | tr '\n' ' ')"
    local own=() fake=() line
    while IFS= read -r line; do
        [ -n "$(printenv -- "${line%%=*}" || true)" ] || own+=("$line")
    done <"$dir/env"
    if [ -n "${KEFU_FAKETIME:-}" ]; then
        need_faketime
        fake=(LD_PRELOAD="$faketime" FAKETIME="$KEFU_FAKETIME" FAKETIME_DONT_FAKE_MONOTONIC=1 DONT_FAKE_MONOTONIC=1)
    fi
    spawn "$dir/log" env "${own[@]}" "${fake[@]}" "$bin/kefu-${1%-[2-9]}" serve
}

start_service() {
    launch "$1"
    spawned=$(cat "$dir/pid")
    wait_http 60 "$(url_of "$1")/health/ready" "$dir/log"
}

stop_service() { dir=$root/$1; [ ! -d "$dir" ] || stop_process; }

stop_process() {
    running || { rm -f "$dir/pid"; return 0; }
    kill "${1:--TERM}" "$pid" 2>/dev/null || true
    kill -CONT "$pid" 2>/dev/null || true # a frozen one does not hear
    local n=0
    while running; do
        n=$((n + 1))
        [ "$n" -lt 400 ] || { log "process $pid does not end; killing it"; kill -9 "$pid"; }
        sleep 0.1
    done
    rm -f "$dir/pid"
}

print_exports() {
    local name service
    for name in $(processes); do
        service=${name^^}
        echo "export KEFU_${service/-/_}_URL=$(url_of "$name")"
    done
    echo "export KEFU_ISSUER_URL=$(url_of issuer)"
    echo "export KEFU_ACCOUNTS=$root/issuer/accounts.json"
    cat "$root/parts.env"
}

prepare() {
    mkdir -p "$root"
    echo "${KEFU_REPLICAS:-$(cat "$root/replicas" 2>/dev/null || echo 1)}" >"$root/replicas"
    local part pids=() name
    # Side by side: Kafka alone takes some seconds.
    "$here/kafka.sh" start --dir "$root/kafka" ${KEFU_BROKERS:+--brokers "$KEFU_BROKERS"} >"$root/kafka.env" & pids+=($!)
    "$here/postgres.sh" start --dir "$root/postgres" --fsync "${KEFU_POSTGRES_FSYNC:-on}" >"$root/postgres.env" & pids+=($!)
    if [ -n "${KEFU_TEST_SMTP:-}" ]; then
        printf 'export KEFU_TEST_SMTP=%q\nexport KEFU_TEST_MAILDIR=%q\n' "$KEFU_TEST_SMTP" "$KEFU_TEST_MAILDIR" >"$root/smtp.env"
    else
        "$here/smtp.sh" start --dir "$root/smtp" >"$root/smtp.env" & pids+=($!)
    fi
    for part in "${pids[@]}"; do wait "$part"; done
    cat "$root/postgres.env" "$root/kafka.env" "$root/smtp.env" >"$root/parts.env"
    rm -f "$root/postgres.env" "$root/kafka.env" "$root/smtp.env"
    # shellcheck disable=SC1091
    . "$root/parts.env"
    for name in "${services[@]}"; do
        psql -qAt "$KEFU_TEST_POSTGRES" -c "select 1 from pg_database where datname = 'kefu_$name'" | grep -q 1 ||
            psql -q "$KEFU_TEST_POSTGRES" -c "create database kefu_$name"
    done
    mkdir -p "$root/issuer"
    [ -s "$root/issuer/port" ] || new_port "$root/issuer/port"
    for name in $(processes); do write_env "$name"; done
    dir=$root/issuer
    running || start_process issuer "$(url_of issuer)/oauth2/jwks" \
        "$bin/kefu" issuer --data "$root/issuer" --listen "$address:$(cat "$root/issuer/port")"
}

start() {
    prepare
    local name
    for name in $(processes); do launch "$name"; done
    for name in $(processes); do start_service "$name"; done
    print_exports
    welcome
}

# How to get in, and what to type next.
welcome() {
    local accounts=$root/issuer/accounts.json kefu name script=deploy/local/split.sh dir_option=
    kefu=$(cd -- "$bin" && pwd -P)/kefu
    kefu=${kefu#"$PWD"/}
    [ "$root" = "$(cd -- "$here/../.." && pwd -P)/.local/split" ] || dir_option=" --dir $root"
    {
        echo "Split mode runs."
        for name in $(processes); do echo "  $name: $(url_of "$name")  (API: $(url_of "$name")/docs)"; done
        echo "Login: admin / $(password_of admin "$accounts")  (issuer: $(url_of issuer), more accounts: $accounts)"
        echo "Token: $("$bin/kefu" token admin --accounts "$accounts" --issuer "$(url_of issuer)")"
        echo "Next:"
        echo "  eval \"\$($script env$dir_option)\"    # addresses of services and issuer, accounts"
        echo "  TOKEN=\$($kefu token admin)"
        echo "  curl -H \"Authorization: Bearer \$TOKEN\" \"\$KEFU_TICKETING_URL/api/v1/tickets\""
        echo "  $kefu smoke    # a complaint, from intake to the survey's answer"
        if [ -n "$dir_option" ]; then echo "  $script stop$dir_option"; else echo "  make down"; fi
    } >&2
}

# password_of NAME FILE: accounts are written one field a line, the password after the name.
password_of() { grep -F -A2 "\"name\": \"$1\"" "$2" | sed -n 's/.*"password": "\(.*\)",*$/\1/p'; }

env_of_running() {
    [ -s "$root/parts.env" ] || die "nothing was started in $root"
    print_exports
}

stop() {
    local name
    for name in $(processes) issuer; do
        dir=$root/$name
        if running; then kill "$pid" 2>/dev/null || true; fi
    done
    for name in $(processes) issuer; do stop_service "$name"; done
    for name in smtp kafka postgres; do
        [ ! -d "$root/$name" ] || "$here/$name.sh" stop --dir "$root/$name"
    done
}

status() {
    local name
    for name in $(processes) issuer; do
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
usage='usage: split.sh start|prepare|env|stop|status|clean [--dir DIR], or split.sh service NAME start|stop|kill|freeze|thaw'
case ${1:-} in
    start | prepare | env | stop | status | clean)
        command=$1; shift; parse_args "$@"; root=$dir
        mkdir -p "$root"; root=$(cd -- "$root" && pwd -P)
        if [ "$command" = env ]; then command=env_of_running; fi
        "$command"
        if [ "$command" = prepare ]; then print_exports; fi ;;
    service)
        mkdir -p "$root"; root=$(cd -- "$root" && pwd -P)
        dir=$root/${2:-none}
        case ${3:-} in
            start) start_service "$2" ;;
            stop) stop_service "$2" ;;
            kill) stop_process -KILL ;;
            freeze) if running; then kill -STOP "$pid"; fi ;;
            thaw) if running; then kill -CONT "$pid"; fi ;;
            *) die "$usage" ;;
        esac ;;
    *) die "$usage" ;;
esac
