#!/usr/bin/env bash
# Prometheus on this machine, with the rules of deploy/observability.
#
#   prometheus.sh start|stop|status|clean [--dir DIR] [--port PORT]
#   prometheus.sh tools            prints the folder of the programs prometheus and promtool
#
# start prints `export KEFU_PROMETHEUS=http://HOST:PORT`. It scrapes what stands in DIR/targets/*.yaml
# (split.sh's processes where DIR lies beside them: `split.sh targets`). Debian's package is unpacked
# into ${KEFU_CACHE:-~/.cache/kefu}, not installed: nothing of it starts by itself. Listens on 127.0.0.1
# only. Default DIR: .local/prometheus of the repository.
#   KEFU_PROMETHEUS_CONFIG=FILE    instead of deploy/observability/prometheus.yaml
#   KEFU_PROMETHEUS_RULES=DIR      instead of deploy/observability/rules
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
default_dir=$here/../../.local/prometheus
home=$cache/prometheus

# Unpacks Debian's package, once.
need_prometheus() {
    if [ -x "$home/usr/bin/prometheus" ] && [ -x "$home/usr/bin/promtool" ]; then return 0; fi
    has apt-get && has dpkg-deb ||
        die "Prometheus is missing. Mend it: put the programs prometheus and promtool into $home/usr/bin"
    log "unpacking Prometheus into $home (once)"
    local part
    part=$(mktemp -d "$cache/prometheus.XXXXXX")
    if ! (cd "$part" && chmod 755 . && apt-get -qq download prometheus >&2); then
        if [ "$(id -u)" -eq 0 ]; then apt-get -qq update >&2; else sudo -n apt-get -qq update >&2; fi
        (cd "$part" && apt-get -qq download prometheus >&2) ||
            die "Debian's package prometheus cannot be fetched. Mend it with:  sudo apt-get update"
    fi
    mkdir "$part/tree"
    dpkg-deb -x "$part"/prometheus_*.deb "$part/tree"
    rm -rf "$home"
    mv "$part/tree" "$home"
    rm -rf "$part"
}

start() {
    open_dir
    local p mark=--storage.tsdb.path=$dir/data
    if running "$mark"; then
        p=$(cat "$dir/port")
        check_port "$p"
    else
        need_prometheus
        mkdir -p "$dir/targets" "$dir/collector-targets"
        cp "${KEFU_PROMETHEUS_CONFIG:-$here/../observability/prometheus.yaml}" "$dir/prometheus.yaml"
        rm -rf "$dir/rules"
        cp -r "${KEFU_PROMETHEUS_RULES:-$here/../observability/rules}" "$dir/rules"
        rm -rf "$dir/rules/tests"
        p=$(choose_port "$dir/port" "$port")
        spawn "$dir/log" "$home/usr/bin/prometheus" --config.file="$dir/prometheus.yaml" "$mark" \
            --web.listen-address="127.0.0.1:$p" --enable-feature=exemplar-storage --log.level=warn
        wait_ready 60 "$mark" "$dir/log" curl -fs -o /dev/null "http://127.0.0.1:$p/-/ready"
        log "Prometheus on http://127.0.0.1:$p, data in $dir/data"
    fi
    echo "export KEFU_PROMETHEUS=http://127.0.0.1:$p"
}

stop() {
    [ -d "$dir" ] || return 0
    open_dir
    stop_process "--storage.tsdb.path=$dir/data"
}

status() {
    if [ -d "$dir" ] && dir=$(cd -- "$dir" && pwd -P) && running "--storage.tsdb.path=$dir/data"; then
        log "runs on http://127.0.0.1:$(cat "$dir/port"), process $pid"
    else
        log "not running"
        return 3
    fi
}

clean() {
    stop
    rm -rf "$dir/data" "$dir/rules" "$dir/targets" "$dir/collector-targets" "$dir"/log* "$dir/prometheus.yaml"
}

command=${1:-}
case $command in
    start | stop | status | clean) shift; parse_args "$@"; "$command" ;;
    tools) mkdir -p "$cache"; need_prometheus; echo "$home/usr/bin" ;;
    *) die "usage: prometheus.sh start|stop|status|clean|tools [--dir DIR] [--port PORT]" ;;
esac
