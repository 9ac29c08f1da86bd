# shellcheck shell=bash disable=SC2034,SC2154
# Helpers shared by the scripts of deploy/local; sourced, never run.
#
# A service keeps what it needs in its DIR: `port` (chosen once, kept), `pid`, its log and its data.
# Standard output is only for `export NAME=value` lines; everything else goes to standard error.

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=versions.env
. "$here/versions.env"
cache=${KEFU_CACHE:-${HOME:-/root}/.cache/kefu}
PATH=$PATH:/usr/sbin:/sbin # runuser is there, and not on every PATH
me=$(basename -- "$0" .sh)
# Where servers listen. Another address than this machine's own is for containers and pods that have to
# reach them, e.g. a bridge's: never one that others can reach.
address=${KEFU_LISTEN:-127.0.0.1}

log() { printf '%s: %s\n' "$me" "$*" >&2; }
die() { log "$*"; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }

# need_package "what is missing" PACKAGE...: installs Debian packages, or says how to.
need_package() {
    local why=$1; shift
    local as=()
    if [ "$(id -u)" -ne 0 ]; then as=(sudo -n); fi
    if has apt-get && { [ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null; }; then
        log "$why: installing $*"
        local apt=("${as[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -qq)
        "${apt[@]}" update >&2 || log "apt-get update failed; going on with the lists at hand"
        if "${apt[@]}" install -y --no-install-recommends "$@" >&2; then return 0; fi
    fi
    log "$why. Mend it with:  sudo apt-get install $*   (or your system's packages of that name)"
    return 1
}

# Sets $faketime: the library that, preloaded, gives a process another time of day.
need_faketime() {
    local tried
    for tried in no yes; do
        faketime=$(compgen -G '/usr/lib/*/faketime/libfaketimeMT.so.1' | head -n 1 || true)
        [ -z "$faketime" ] || return 0
        [ "$tried" = yes ] || need_package "faketime is missing" faketime || exit 1
    done
    die "faketime's library is not at /usr/lib/*/faketime"
}

# parse_args ARGS...: sets $dir, $port (empty: choose), $fsync, $wanted_brokers, $mode (empty: default).
parse_args() {
    dir=$default_dir port='' fsync='' wanted_brokers='' mode=''
    while [ $# -gt 0 ]; do
        [ $# -ge 2 ] || die "$1 needs a value"
        case $1 in
            --dir) dir=$2 ;;
            --port) port=$2 ;;
            --fsync) fsync=$2 ;;
            --brokers) wanted_brokers=$2 ;;
            --mode) mode=$2 ;;
            *) die "unknown option $1" ;;
        esac
        shift 2
    done
    case $port in *[!0-9]*) die "--port takes a number, not '$port'" ;; esac
    case $fsync in '' | on | off) ;; *) die "--fsync takes on or off" ;; esac
    case $wanted_brokers in '' | 1 | 3) ;; *) die "--brokers takes 1 or 3" ;; esac
    case $mode in '' | fast | immediate) ;; *) die "--mode takes fast or immediate" ;; esac
    case $dir in /*) ;; *) dir=$PWD/$dir ;; esac
}

# Makes $dir and takes its lock, so that two starts at once do not meet.
open_dir() {
    mkdir -p "$dir"
    dir=$(cd -- "$dir" && pwd -P)
    if has flock; then
        exec 9>"$dir/lock"
        flock -w 300 9 || die "another start or stop in $dir does not end"
    fi
}

listening() { (exec 3<>"/dev/tcp/$address/$1") 2>/dev/null; }

# free_port: a port nobody listens on, below the range that outgoing connections use.
free_port() {
    local p
    for _ in {1..200}; do
        p=$((20000 + RANDOM % 12000))
        listening "$p" || { echo "$p"; return; }
    done
    die "no free port found"
}

# choose_port FILE [WANTED]: the wanted port, else the remembered one, else a free one; remembers it.
choose_port() {
    local file=$1 p=${2:-}
    if [ -n "$p" ]; then
        if listening "$p"; then die "port $p is taken"; fi
    else
        p=$(cat "$file" 2>/dev/null || true)
        if [ -z "$p" ] || listening "$p"; then p=$(free_port); fi
    fi
    echo "$p" >"$file"
    echo "$p"
}

# A running service keeps its port: another one asked for is an error, not silence.
check_port() {
    [ -z "$port" ] || [ "$port" = "$1" ] || die "already runs on port $1; stop it before asking for $port"
}

# spawn LOG COMMAND...: starts a server that outlives this script, in a session of its own; sets $spawned.
spawn() {
    local out=$1 session=(nohup); shift
    if has setsid; then session=(setsid); fi
    [ ! -f "$out" ] || mv -f "$out" "$out.1"
    "${session[@]}" "$@" </dev/null >"$out" 2>&1 9>&- &
    spawned=$!
    disown "$spawned"
    echo "$spawned" >"$dir/pid"
    # Until it has become the command, it has this script's command line, or none: `running` would miss it.
    local own line n
    [ -d /proc/self ] || return 0
    own=$(tr '\0' ' ' <"/proc/$$/cmdline")
    for n in {1..200}; do
        line=$(tr '\0' ' ' 2>/dev/null <"/proc/$spawned/cmdline" || true)
        [ -z "$line" ] || [ "$line" = "$own" ] || return 0
        kill -0 "$spawned" 2>/dev/null || return 0
        sleep 0.01
    done
}

# running MARK: is the process of DIR/pid alive and ours, that is, has its command line MARK in it?
# (A process id may have been given to someone else after a crash.) Sets $pid.
running() {
    pid=$(cat "$dir/pid" 2>/dev/null || true)
    [ -n "$pid" ] || return 1
    if [ -d /proc/self ]; then
        grep -qaF -- "$1" "/proc/$pid/cmdline" 2>/dev/null
    else
        [[ $(ps -o args= -p "$pid" 2>/dev/null) == *"$1"* ]]
    fi
}

# wait_ready SECONDS MARK LOG TEST...: waits until TEST succeeds; ends with the log's tail if it does not.
wait_ready() {
    local seconds=$1 mark=$2 out=$3 until; shift 3
    until=$((SECONDS + seconds))
    until "$@"; do
        if [ "$SECONDS" -ge "$until" ] || ! kill -0 "$spawned" 2>/dev/null; then
            tail -n 30 "$out" >&2 || true
            stop_process "$mark"
            die "did not become ready; the whole log: $out"
        fi
        sleep 0.1
    done
}

# signal_process MARK SIGNAL: to the process of DIR/pid, if it runs.
signal_process() { if running "$1"; then kill "-$2" "$pid" 2>/dev/null || true; fi; }

# stop_process MARK: asks the process of DIR/pid to end, waits, and kills it after $patience tenths of a
# second (30 s). A frozen one is woken, or it would not hear.
stop_process() {
    local patience=${patience:-300}
    if running "$1"; then
        kill "$pid" 2>/dev/null || true
        kill -CONT "$pid" 2>/dev/null || true
        local n=0
        while running "$1"; do
            n=$((n + 1))
            if [ "$n" -eq "$patience" ]; then
                log "process $pid does not end; killing it"
                kill -9 "$pid" 2>/dev/null || true
            fi
            [ "$n" -lt $((patience + 50)) ] || die "process $pid cannot be ended"
            sleep 0.1
        done
        log "stopped"
    fi
    rm -f "$dir/pid"
}

# For backup.sh and restore.sh, which work with a service's own settings.

# read_settings FILE: lines NAME=VALUE into the environment, which itself has the last word.
read_settings() {
    local line
    [ -r "$1" ] || die "$1 cannot be read"
    while IFS= read -r line; do
        case $line in
            KEFU*=*) [ -n "$(printenv -- "${line%%=*}" || true)" ] || export "${line?}" ;;
        esac
    done <"$1"
}

program_of() {
    case $1 in customer | ticketing | quality | survey | notification) ;; *) die "there is no service $1" ;; esac
    local found=${KEFU_BIN_DIR:+$KEFU_BIN_DIR/}kefu-$1
    has "$found" || die "$found is missing: set KEFU_BIN_DIR to the folder of the programs"
    echo "$found"
}

database_url() {
    local url=${KEFU__DATABASE__URL:-}
    case $url in postgres*) echo "${url//\{service\}/$1}" ;; *) die "KEFU__DATABASE__URL names no PostgreSQL database" ;; esac
}
