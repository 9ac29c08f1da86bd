#!/usr/bin/env bash
# An Apache Kafka of this folder's own (KRaft, one node), for tests and local runs: no container engine.
#
#   kafka.sh start|stop|status|clean [--dir DIR] [--port PORT]
#   kafka.sh tool CLASS ARGS...      e.g. kafka.sh tool org.apache.kafka.tools.TopicCommand --help
#
# start prints `export KEFU_TEST_KAFKA=HOST:PORT` and nothing else on standard output; started twice, it
# only prints. clean stops it and removes its data. Listens on 127.0.0.1 only. The jars come from Maven
# once, into ${KEFU_CACHE:-~/.cache/kefu}/kafka-VERSION; Java 17 or newer is taken from JAVA_HOME or
# the PATH. Default DIR: .local/kafka of the repository.
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

write_config() {
    cat >"$dir/server.properties" <<END
# Written by deploy/local/kafka.sh at every start.
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$2
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:$1,CONTROLLER://127.0.0.1:$2
advertised.listeners=PLAINTEXT://127.0.0.1:$1
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
log.dirs=$dir/data
auto.create.topics.enable=false
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
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

start() {
    open_dir
    local p controller mark=$dir/server.properties
    if running "$mark"; then
        p=$(cat "$dir/port")
        check_port "$p"
        is_ready "$p" || die "process $pid runs but does not answer on port $p; stop it first"
    else
        find_java
        fetch_jars
        p=$(choose_port "$dir/port" "$port")
        controller=$(choose_port "$dir/controller-port")
        while [ "$controller" = "$p" ]; do controller=$(free_port); done
        echo "$controller" >"$dir/controller-port"
        write_config "$p" "$controller"
        if [ ! -f "$dir/data/meta.properties" ]; then
            run_java kafka.tools.StorageTool format -t "$cluster_id" -c "$dir/server.properties" --ignore-formatted >/dev/null
        fi
        spawn "$dir/log" "$java" -Xmx384m -XX:+UseSerialGC -XX:+ExitOnOutOfMemoryError \
            -Dorg.slf4j.simpleLogger.showDateTime=true "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSS" \
            -cp "$jars/*" kafka.Kafka "$dir/server.properties"
        wait_ready 90 "$mark" "$dir/log" is_ready "$p"
        log "Kafka $KAFKA_VERSION on 127.0.0.1:$p, in $dir"
    fi
    echo "export KEFU_TEST_KAFKA=127.0.0.1:$p"
}

stop() {
    [ -d "$dir" ] || return 0
    open_dir
    stop_process "$dir/server.properties"
}

status() {
    if [ -d "$dir" ] && dir=$(cd -- "$dir" && pwd -P) && running "$dir/server.properties"; then
        log "runs on 127.0.0.1:$(cat "$dir/port"), process $pid, files in $dir"
    else
        log "not running"
        return 3
    fi
}

clean() {
    stop
    rm -rf "$dir/data" "$dir/server.properties" "$dir/log" "$dir/log.1"
}

command=${1:-}
case $command in
    start | stop | status | clean) shift; parse_args "$@"; "$command" ;;
    tool) shift; find_java; fetch_jars; run_java "$@" ;;
    *) die "usage: kafka.sh start|stop|status|clean [--dir DIR] [--port PORT], or kafka.sh tool CLASS ARGS..." ;;
esac
