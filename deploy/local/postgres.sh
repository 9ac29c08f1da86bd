#!/usr/bin/env bash
# A PostgreSQL of this folder's own, for tests and local runs: no container engine, no system service.
#
#   postgres.sh start|stop|kill|status|clean [--dir DIR] [--port PORT] [--fsync on|off] [--mode fast|immediate]
#
# stop breaks connections and writes a checkpoint (fast), or leaves recovery to the next start
# (immediate); kill is kill -9 of the server and all its processes.
# start prints `export KEFU_TEST_POSTGRES=...` and nothing else on standard output; started twice, it
# only prints. clean stops it and removes its data. Listens on 127.0.0.1 and on a socket in DIR/run;
# the superuser is `kefu`, without a password. fsync is off unless asked for, and kept over a
# restart: off, a crash of the machine (not of the server) may lose data. Default DIR: .local/postgres of the repository.
# KEFU_POSTGRES_OPTIONS goes to the server as it is, say "-c shared_preload_libraries=pg_stat_statements".
# Started by root it runs as user `postgres` (PostgreSQL refuses root); where that user cannot reach DIR
# its files go to a folder under /var/tmp that DIR/home names. With KEFU_LISTEN=ADDRESS it listens there
# too, and lets in from that network whoever has a role with a password.
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
default_dir=$here/../../.local/postgres

# Sets $bin: the programs that fit the existing data, else the newest ones.
find_programs() {
    local version candidates=()
    version=$(as_owner cat "$home/data/PG_VERSION" 2>/dev/null || true)
    if [ -n "${KEFU_POSTGRES_BIN:-}" ]; then
        candidates=("$KEFU_POSTGRES_BIN")
    else
        mapfile -t candidates < <(
            compgen -G "/usr/lib/postgresql/${version:-*}/bin" | sort -rV
            pg_config --bindir 2>/dev/null
            has pg_ctl && dirname -- "$(command -v pg_ctl)"
        )
    fi
    for bin in "${candidates[@]}"; do
        if [ -x "$bin/initdb" ] && [ -x "$bin/postgres" ]; then return 0; fi
    done
    return 1
}

# Runs a command as the user who owns the cluster.
as_owner() {
    if [ "$owner" = "$(id -un)" ]; then (cd / && "$@"); else (cd / && runuser -u "$owner" -- "$@"); fi
}

# Sets $home (the folder of data/ and run/) and $owner (whom the server runs as).
find_home() {
    home=$(cat "$dir/home" 2>/dev/null || echo "$dir")
    owner=$(id -un)
    if [ "$owner" = root ]; then
        owner=postgres
        if [ -d "$home/data" ]; then owner=$(stat -c %U "$home/data"); fi
    elif [ -d "$home/data" ] && [ ! -r "$home/data" ]; then
        die "$home/data belongs to another user: go on as root, or take another --dir"
    fi
}

make_home() {
    if [ "$owner" = postgres ] && [ "$(id -u)" -eq 0 ] && ! as_owner test -x "$dir"; then
        home=/var/tmp/kefu-postgres-$(printf %s "$dir" | sha256sum | cut -c1-16)
        log "user postgres cannot reach $dir; using $home"
        mkdir -m 755 "$home" 2>/dev/null || true
        if [ -L "$home" ] || [ "$(stat -c %U "$home")" != root ]; then
            die "$home belongs to someone else; remove it"
        fi
    fi
    echo "$home" >"$dir/home"
    rm -rf "$home/new"
    mkdir -p "$home/run" "$home/new"
    if [ "$(id -u)" -eq 0 ]; then chown "$owner" "$home/run" "$home/new"; fi
    chmod 700 "$home/new"
    log "making a cluster in $home/data"
    as_owner "$bin/initdb" -D "$home/new" -U kefu -A trust -E UTF8 --locale=C.UTF-8 --no-sync >/dev/null
    mv "$home/new" "$home/data" # only a complete cluster gets the name
}

answers() { "$bin/pg_isready" -q -h 127.0.0.1 -p "$(cat "$dir/port")"; }
is_up() { [ -d "$home/data" ] && as_owner "$bin/pg_ctl" -D "$home/data" status >/dev/null 2>&1; }

sql() { as_owner "$bin/psql" -XAtq -h 127.0.0.1 -p "$1" -U kefu -d postgres -c "$2"; }

start() {
    open_dir
    find_home
    if ! find_programs; then
        need_package "PostgreSQL's server programs are missing" postgresql || exit 1
        find_programs || die "PostgreSQL's server programs are still missing; set KEFU_POSTGRES_BIN to their folder"
    fi
    [ "$("$bin/postgres" -V | sed -E 's/[^0-9]*([0-9]+).*/\1/')" -ge "$POSTGRES_MINIMUM" ] ||
        die "$("$bin/postgres" -V) is too old: $POSTGRES_MINIMUM or newer is needed"

    # Just killed or just started by someone else: wait until it is the one or the other.
    local p running_fsync n
    for n in {1..100}; do
        if ! is_up || answers; then break; fi
        [ "$n" -lt 100 ] || die "it runs but does not answer; the log: $home/run/log"
        sleep 0.1
    done
    if is_up; then
        p=$(cat "$dir/port")
        check_port "$p"
        running_fsync=$(sql "$p" 'show fsync')
        [ "${fsync:-$running_fsync}" = "$running_fsync" ] ||
            die "already runs with fsync=$running_fsync; stop it before asking for fsync=$fsync"
    else
        [ -d "$home/data" ] || make_home
        p=$(choose_port "$dir/port" "$port")
        fsync=${fsync:-$(cat "$dir/fsync" 2>/dev/null || echo off)}
        echo "$fsync" >"$dir/fsync"
        local socket=$home/run
        if [ "${#socket}" -gt 85 ]; then socket=''; fi # a socket's path has at most 107 bytes
        local addresses=127.0.0.1
        if [ "$address" != 127.0.0.1 ]; then
            addresses+=",$address"
            as_owner grep -q '^host all all samenet' "$home/data/pg_hba.conf" ||
                echo 'host all all samenet scram-sha-256' | as_owner tee -a "$home/data/pg_hba.conf" >/dev/null
        fi
        local options="-p $p -c listen_addresses=$addresses -c unix_socket_directories='$socket'"
        options+=" -c max_connections=300 -c timezone=UTC -c log_timezone=UTC ${KEFU_POSTGRES_OPTIONS:-}"
        # In a file, where ALTER SYSTEM prevails: a test makes the disk slow, for which fsync must be on.
        printf 'fsync=%s\nfull_page_writes=%s\n' "$fsync" "$fsync" | as_owner tee "$home/data/kefu.conf" >/dev/null
        as_owner grep -q kefu.conf "$home/data/postgresql.conf" ||
            echo "include 'kefu.conf'" | as_owner tee -a "$home/data/postgresql.conf" >/dev/null
        # After kill -9 the old server's children may still be ending: a second try, then the log.
        for n in 1 2 3; do
            if as_owner "$bin/pg_ctl" -D "$home/data" -l "$home/run/log" -w -t 60 -s -o "$options" start \
                </dev/null >&2 9>&-; then break; fi
            [ "$n" -lt 3 ] || { tail -n 30 "$home/run/log" >&2; die "did not start; the whole log: $home/run/log"; }
            sleep 1
        done
        log "$("$bin/postgres" -V) on 127.0.0.1:$p, fsync=$fsync, in $home"
    fi
    echo "export KEFU_TEST_POSTGRES=postgres://kefu@127.0.0.1:$p/postgres"
}

stop() {
    [ -d "$dir" ] || return 0
    open_dir
    find_home
    find_programs || return 0
    is_up || return 0
    as_owner "$bin/pg_ctl" -D "$home/data" -w -t 60 -s -m "${mode:-fast}" stop >&2 ||
        as_owner "$bin/pg_ctl" -D "$home/data" -w -t 30 -s -m immediate stop >&2
    log "stopped"
}

kill_all() {
    [ -d "$dir" ] || return 0
    open_dir
    find_home
    local pid children
    pid=$(as_owner head -n 1 "$home/data/postmaster.pid" 2>/dev/null || true)
    [ -n "$pid" ] && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = postgres ] || return 0
    # Its processes end by themselves when they notice; a write of theirs may come before that.
    read -ra children < <(ps -o pid= --ppid "$pid" | tr '\n' ' ') || true
    kill -9 "$pid" "${children[@]}" 2>/dev/null || true
    # A process that has ended and is not yet reaped has no command line.
    while grep -qa . "/proc/$pid/cmdline" 2>/dev/null; do sleep 0.02; done
}

status() {
    if [ -d "$dir" ] && find_home && find_programs && is_up; then
        log "runs on 127.0.0.1:$(cat "$dir/port"), files in $home"
    else
        log "not running"
        return 3
    fi
}

clean() {
    stop
    [ -n "${home:-}" ] || return 0
    rm -rf "$home/data" "$home/new" "$home/run"
    rm -f "$dir/home" "$dir/fsync"
    if [ "$home" != "$dir" ]; then rmdir "$home" 2>/dev/null || true; fi
}

command=${1:-}
case $command in
    start | stop | status | clean) shift; parse_args "$@"; "$command" ;;
    kill) shift; parse_args "$@"; kill_all ;;
    *) die "usage: postgres.sh start|stop|kill|status|clean [--dir DIR] [--port PORT] [--fsync on|off] [--mode fast|immediate]" ;;
esac
