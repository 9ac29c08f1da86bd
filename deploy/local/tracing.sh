#!/usr/bin/env bash
# A trace store (Zipkin) behind an OpenTelemetry Collector, with the collector's own settings of
# deploy/observability.
#
#   tracing.sh start|stop|status|clean [--dir DIR]
#
# start prints `export KEFU_OTLP_ENDPOINT=http://HOST:PORT` (where services send spans), KEFU_ZIPKIN (the
# store's page and API), KEFU_SPAN_METRICS and KEFU_COLLECTOR_METRICS (HOST:PORT for Prometheus). The
# collector is built once with Go (4 min), Zipkin fetched once with Maven, both into
# ${KEFU_CACHE:-~/.cache/kefu}. Listens on 127.0.0.1 only. Default DIR: .local/tracing of the repository.
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
default_dir=$here/../../.local/tracing
observability=$(cd -- "$here/../observability" && pwd -P)
zipkin=$cache/zipkin-$ZIPKIN_VERSION/zipkin.jar
# Another list of parts is another program.
parts=$(sha256sum "$observability/collector-builder.yaml" | cut -c1-8)
collector=$cache/otelcol-$COLLECTOR_BUILDER_VERSION-$parts

need_zipkin() {
    [ ! -s "$zipkin" ] || return 0
    has mvn || need_package "Maven is missing" maven || exit 1
    log "fetching Zipkin into ${zipkin%/*} (once, 130 MB)"
    mkdir -p "${zipkin%/*}"
    mvn -B -q --strict-checksums dependency:copy -Dartifact="io.zipkin:zipkin-server:$ZIPKIN_VERSION:jar:exec" \
        -DoutputDirectory="${zipkin%/*}/part" >&2
    mv "${zipkin%/*}"/part/*.jar "$zipkin"
}

need_collector() {
    [ ! -x "$collector/otelcol" ] || return 0
    has go || die "Go is missing. Mend it: install Go 1.24 or newer, with go on the PATH"
    log "building the collector into $collector (once, some minutes)"
    mkdir -p "$collector"
    (
        cd "$collector"
        GOBIN=$collector/bin nice go install "go.opentelemetry.io/collector/cmd/builder@v$COLLECTOR_BUILDER_VERSION"
        sed "s#^dist:#dist:\n  output_path: $collector/src#" "$observability/collector-builder.yaml" >manifest.yaml
        nice bin/builder --config manifest.yaml
        mv src/otelcol otelcol
        rm -rf src bin
    ) >"$collector/log" 2>&1 || { tail -n 20 "$collector/log" >&2; die "the collector could not be built"; }
}

print_exports() {
    echo "export KEFU_OTLP_ENDPOINT=http://127.0.0.1:$(cat "$root/collector/otlp.port")"
    echo "export KEFU_ZIPKIN=http://127.0.0.1:$(cat "$root/zipkin/port")"
    echo "export KEFU_SPAN_METRICS=127.0.0.1:$(cat "$root/collector/spans.port")"
    echo "export KEFU_COLLECTOR_METRICS=127.0.0.1:$(cat "$root/collector/own.port")"
}

start() {
    open_dir
    need_zipkin
    need_collector
    mkdir -p "$root/zipkin" "$root/collector"
    dir=$root/zipkin
    if ! running "$zipkin"; then
        local p
        p=$(choose_port "$dir/port")
        # The whole of the list, or the default entry would listen everywhere.
        spawn "$dir/log" java -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 "-Darmeria.ports[0].ip=127.0.0.1" \
            "-Darmeria.ports[0].port=$p" "-Darmeria.ports[0].protocols[0]=http" -jar "$zipkin"
        wait_ready 180 "$zipkin" "$dir/log" curl -fs -o /dev/null --max-time 2 "http://127.0.0.1:$p/health"
    fi
    dir=$root/collector
    if ! running "$collector/otelcol"; then
        local otlp spans own
        otlp=$(choose_port "$dir/otlp.port") spans=$(choose_port "$dir/spans.port") own=$(choose_port "$dir/own.port")
        KEFU_LISTEN=127.0.0.1 KEFU_OTLP_PORT=$otlp KEFU_SPAN_METRICS_PORT=$spans KEFU_COLLECTOR_METRICS_PORT=$own \
            KEFU_TRACE_STORE=http://127.0.0.1:$(cat "$root/zipkin/port") \
            spawn "$dir/log" "$collector/otelcol" --config "$observability/collector.yaml" \
            --config "$observability/collector-zipkin.yaml"
        wait_ready 30 "$collector/otelcol" "$dir/log" listening "$otlp"
    fi
    print_exports
}

stop() {
    [ -d "$root" ] || return 0
    open_dir
    dir=$root/collector; stop_process "$collector/otelcol"
    dir=$root/zipkin; stop_process "$zipkin"
}

status() {
    local ok=0
    dir=$root/collector; running "$collector/otelcol" || ok=3
    dir=$root/zipkin; running "$zipkin" || ok=3
    if [ "$ok" -eq 0 ]; then print_exports >&2; else log "not running"; fi
    return "$ok"
}

clean() { stop; rm -rf "${root:?}"/{collector,zipkin}; }

command=${1:-}
case $command in
    start | stop | status | clean) shift; parse_args "$@"; mkdir -p "$dir"; root=$(cd -- "$dir" && pwd -P); dir=$root; "$command" ;;
    *) die "usage: tracing.sh start|stop|status|clean [--dir DIR]" ;;
esac
