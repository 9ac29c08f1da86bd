#!/usr/bin/env bash
# An Apache Kafka of this folder's own (KRaft), for tests and local runs: no container engine.
#
#   kafka.sh start|stop|status|clean [--dir DIR] [--port PORT] [--brokers 1|3]
#   kafka.sh node N start|stop|kill|freeze|thaw [--dir DIR]      one broker of those that start made, N from 1
#   kafka.sh tool CLASS ARGS...      e.g. kafka.sh tool org.apache.kafka.tools.TopicCommand --help
#
# start prints `export KEFU_TEST_KAFKA=HOST:PORT,...` and nothing else on standard output; started twice,
# it only prints. clean stops it and removes its data. Listens on KEFU_LISTEN (127.0.0.1). Three brokers are one
# quorum: every topic is kept by all, and a write needs two; the number is remembered until clean. The
# jars come from Maven once, into ${KEFU_CACHE:-~/.cache/kefu}/kafka-VERSION; Java 17 or newer is taken
# from JAVA_HOME or the PATH. Default DIR: .local/kafka of the repository.
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
default_dir=$here/../../.local/kafka
jars=$cache/kafka-$KAFKA_VERSION
cluster_id=a2VmdS1sb2NhbC10ZXN0MQ

# Sets $java.
find_java() {
    java=${JAVA_HOME:+$JAVA_HOME/bin/}java
    if ! has "$java"; then
        java=java
        has java || need_package "Java is missing" default-jre-headless || exit 1
    fi
    local version
    version=$("$java" -version 2>&1 | sed -nE 's/.* version "([0-9]+).*/\1/p')
    [ "${version:-0}" -ge "$JAVA_MINIMUM" ] || die "Java $JAVA_MINIMUM or newer is needed, this is ${version:-unknown}"
}

fetch_jars() {
    [ ! -d "$jars" ] || return 0
    has mvn || need_package "Maven is missing" maven || exit 1
    log "fetching Kafka $KAFKA_VERSION into $jars (54 MB, once)"
    mkdir -p "$cache"
    local part
    part=$(mktemp -d "$jars.part.XXXXXX")
    # shellcheck disable=SC2064
    trap "rm -rf '$part'" EXIT
    mvn -B -q -Dstyle.color=never --strict-checksums -f "$here/kafka/pom.xml" \
        -Dkafka.version="$KAFKA_VERSION" -Dscala.version="$KAFKA_SCALA_VERSION" -Dslf4j.version="$SLF4J_VERSION" \
        -DincludeScope=runtime -DoutputDirectory="$part" \
        "org.apache.maven.plugins:maven-dependency-plugin:$MAVEN_DEPENDENCY_PLUGIN_VERSION:copy-dependencies" \
        </dev/null >&2 || die "Maven could not fetch Kafka's jars"
    chmod 755 "$part"
    # Only a complete folder gets the name; where another run was faster, its folder stays.
    mv -T "$part" "$jars" 2>/dev/null || [ -d "$jars" ] || die "cannot make $jars"
}

# Sets $root, $brokers (those of the data, else those asked for) and the lists of ports.
open_cluster() {
    open_dir
    root=$dir
    local made
    made=$(cat "$root/brokers" 2>/dev/null || true)
    [ -n "$made" ] || [ ! -d "$root/data" ] || made=1 # by an older version of this script
    brokers=${wanted_brokers:-${made:-1}}
    [ -z "$made" ] || [ "$made" = "$brokers" ] || die "its data is of $made brokers; clean it before asking for $brokers"
}

node_dir() { if [ "$brokers" -eq 1 ]; then echo "$root"; else echo "$root/node-$1"; fi; }

# Every node must know the controllers of all: ports are chosen before the first one starts, and kept.
choose_ports() {
    local n at p taken=' '
    for ((n = 1; n <= brokers; n++)); do
        at=$(node_dir "$n")
        mkdir -p "$at"
        for p in port controller-port; do
            if [ "$p" = port ] && [ "$n" -eq 1 ] && [ -n "$port" ]; then echo "$port" >"$at/port"; fi
            if [ ! -s "$at/$p" ]; then free_port >"$at/$p"; fi
            while [[ $taken == *" $(cat "$at/$p") "* ]]; do free_port >"$at/$p"; done
            taken+="$(cat "$at/$p") "
        done
    done
    echo "$brokers" >"$root/brokers"
}

voters() {
    local n list=''
    for ((n = 1; n <= brokers; n++)); do list+=",$n@$address:$(cat "$(node_dir "$n")/controller-port")"; done
    echo "${list#,}"
}

addresses() {
    local n list=''
    for ((n = 1; n <= brokers; n++)); do list+=",$address:$(cat "$(node_dir "$n")/port")"; done
    echo "${list#,}"
}

write_config() {
    local p controller least=1
    p=$(cat "$dir/port") controller=$(cat "$dir/controller-port")
    [ "$brokers" -eq 1 ] || least=2
    cat >"$dir/server.properties" <<END
# Written by deploy/local/kafka.sh at every start.
process.roles=broker,controller
node.id=$1
controller.quorum.voters=$(voters)
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://$address:$p,CONTROLLER://$address:$controller
advertised.listeners=PLAINTEXT://$address:$p
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
log.dirs=$dir/data
auto.create.topics.enable=false
default.replication.factor=$brokers
min.insync.replicas=$least
offsets.topic.replication.factor=$brokers
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=$brokers
transaction.state.log.min.isr=$least
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=$brokers
share.coordinator.state.topic.min.isr=$least
share.coordinator.state.topic.num.partitions=4
# After kill -9 the node is let in again only when its old session has ended (9 s by default).
broker.session.timeout.ms=4000
broker.heartbeat.interval.ms=1000
group.initial.rebalance.delay.ms=0
log.retention.ms=-1
log.cleaner.dedupe.buffer.size=33554432
num.network.threads=2
num.io.threads=4
END
}

run_java() {
    "$java" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto \
        -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -cp "$jars/*" "$@"
}

# Ready is what the broker says itself, and a port that answers.
is_ready() { grep -q 'Kafka Server started' "$dir/log" && listening "$1"; }

# launch N: starts one node and does not wait for it: alone, one of three never gets ready.
launch() {
    dir=$(node_dir "$1")
    local p heap
    if running "$dir/server.properties"; then return 0; fi
    for p in port controller-port; do
        if listening "$(cat "$dir/$p")"; then die "port $(cat "$dir/$p") is taken"; fi
    done
    write_config "$1"
    if [ ! -f "$dir/data/meta.properties" ]; then
        run_java kafka.tools.StorageTool format -t "$cluster_id" -c "$dir/server.properties" --ignore-formatted >/dev/null
    fi
    # Three on one machine have to be small, and start soon.
    heap=(-Xmx384m)
    [ "$brokers" -eq 1 ] || heap=(-Xmx256m -XX:TieredStopAtLevel=1)
    spawn "$dir/log" "$java" "${heap[@]}" -XX:+UseSerialGC -XX:+ExitOnOutOfMemoryError \
        -Dorg.slf4j.simpleLogger.showDateTime=true "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSS" \
        -cp "$jars/*" kafka.Kafka "$dir/server.properties"
}

# await N
await() {
    dir=$(node_dir "$1")
    running "$dir/server.properties" || { tail -n 30 "$dir/log" >&2; die "broker $1 has ended; the whole log: $dir/log"; }
    spawned=$pid
    wait_ready 90 "$dir/server.properties" "$dir/log" is_ready "$(cat "$dir/port")"
}

start() {
    open_cluster
    local n up=0
    for ((n = 1; n <= brokers; n++)); do
        dir=$(node_dir "$n")
        if ! running "$dir/server.properties"; then continue; fi
        up=$((up + 1))
        [ "$n" -gt 1 ] || check_port "$(cat "$dir/port")"
    done
    if [ "$up" -lt "$brokers" ]; then
        find_java
        fetch_jars
        # A remembered port that somebody has taken meanwhile: only the whole cluster can move.
        if [ "$up" -eq 0 ]; then
            for n in "$root"/port "$root"/controller-port "$root"/node-*/port "$root"/node-*/controller-port; do
                if [ -s "$n" ] && listening "$(cat "$n")"; then rm -f "$n"; fi
            done
            if [ -n "$port" ] && listening "$port"; then die "port $port is taken"; fi
            choose_ports
        fi
        for ((n = 1; n <= brokers; n++)); do launch "$n"; done
        for ((n = 1; n <= brokers; n++)); do await "$n"; done
        log "Kafka $KAFKA_VERSION on $(addresses), in $root"
    fi
    echo "export KEFU_TEST_KAFKA=$(addresses)"
}

each_node() {
    local n
    for ((n = 1; n <= brokers; n++)); do
        dir=$(node_dir "$n")
        [ ! -d "$dir" ] || "$@"
    done
}

ask_to_end() { if running "$dir/server.properties"; then kill "$pid" 2>/dev/null || true; kill -CONT "$pid" 2>/dev/null || true; fi; }
end_node() { stop_process "$dir/server.properties"; }

# A node hands its partitions over to another before it ends, and two that end leave the third nobody:
# what does not end by itself in 10 s is killed.
end_nodes() {
    each_node ask_to_end
    [ "$brokers" -eq 1 ] || patience=100
    each_node end_node
}

stop() {
    [ -d "$dir" ] || return 0
    open_cluster
    end_nodes
}

node_status() {
    if running "$dir/server.properties"; then
        log "runs on $address:$(cat "$dir/port"), process $pid, files in $dir"
    else
        log "not running: $dir"
        failed=3
    fi
}

status() {
    failed=0
    if [ ! -d "$dir" ]; then log "not running"; return 3; fi
    open_cluster
    each_node node_status
    return "$failed"
}

clean() {
    [ -d "$dir" ] || return 0
    wanted_brokers=''
    stop
    rm -rf "$root/data" "$root/server.properties" "$root/log" "$root/log.1" "$root/brokers" "$root"/node-[0-9]*
}

# node N WHAT: one broker, under a lock of its own, so that several are started at the same time.
node() {
    local n=$1 what=$2
    [ -d "$dir" ] || die "no cluster in $dir; start it first"
    root=$(cd -- "$dir" && pwd -P)
    brokers=$(cat "$root/brokers" 2>/dev/null || echo 1)
    case $n in [1-"$brokers"]) ;; *) die "brokers are 1 to $brokers, not '$n'" ;; esac
    dir=$(node_dir "$n")
    open_dir
    local mark=$dir/server.properties
    case $what in
        start) find_java; launch "$n"; await "$n" ;;
        stop) ask_to_end; end_node ;;
        kill) signal_process "$mark" KILL; while running "$mark"; do sleep 0.02; done; rm -f "$dir/pid" ;;
        freeze) signal_process "$mark" STOP ;;
        thaw) signal_process "$mark" CONT ;;
        *) die "a node takes start, stop, kill, freeze or thaw, not '$what'" ;;
    esac
}

command=${1:-}
case $command in
    start | stop | status | clean) shift; parse_args "$@"; "$command" ;;
    node) [ $# -ge 3 ] || die "usage: kafka.sh node N start|stop|kill|freeze|thaw [--dir DIR]"
        n=$2 what=$3; shift 3; parse_args "$@"; node "$n" "$what" ;;
    tool) shift; find_java; fetch_jars; run_java "$@" ;;
    *) die "usage: kafka.sh start|stop|status|clean [--dir DIR] [--port PORT] [--brokers 1|3], kafka.sh node N start|stop|kill|freeze|thaw, or kafka.sh tool CLASS ARGS..." ;;
esac
