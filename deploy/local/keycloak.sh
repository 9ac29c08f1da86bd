#!/usr/bin/env bash
# A Keycloak with a realm for Kefu, for tests and for trying out a real OpenID Connect provider.
#
#   keycloak.sh start|stop|status|clean [--dir DIR] [--port PORT]
#
# start prints `export KEFU_TEST_KEYCLOAK=URL`, `export KEFU_TEST_KEYCLOAK_SECRET=FILE` and nothing else on
# standard output; started twice, it only prints. The realm `kefu` is that of keycloak/realm.json; the
# administrator (`admin`, realm master), the user `li.na` and all clients have the one secret of that file,
# which start makes. All data is in memory and goes with stop. Listens on 127.0.0.1 only. Keycloak comes from
# Maven once (170 MB), into ${KEFU_CACHE:-~/.cache/kefu}/keycloak-VERSION; Java 17 or newer is taken from
# JAVA_HOME or the PATH. Default DIR: .local/keycloak of the repository.
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
default_dir=$here/../../.local/keycloak
home=$cache/keycloak-$KEYCLOAK_VERSION

fetch() {
    [ ! -f "$home/complete" ] || return 0
    mkdir -p "$cache"
    if has flock; then exec 8>"$home.lock"; flock -w 600 8 || die "another run does not finish $home"; fi
    if [ ! -f "$home/complete" ]; then
        has mvn || need_package "Maven is missing" maven || exit 1
        has unzip || need_package "unzip is missing" unzip || exit 1
        log "fetching Keycloak $KEYCLOAK_VERSION into $home (170 MB, once)"
        local part
        part=$(mktemp -d "$home.part.XXXXXX")
        # shellcheck disable=SC2064
        trap "rm -rf '$part'" EXIT
        mvn -B -q -Dstyle.color=never --strict-checksums \
            "org.apache.maven.plugins:maven-dependency-plugin:$MAVEN_DEPENDENCY_PLUGIN_VERSION:copy" \
            "-Dartifact=org.keycloak:keycloak-quarkus-dist:$KEYCLOAK_VERSION:zip" "-DoutputDirectory=$part" \
            </dev/null >&2 || die "Maven could not fetch Keycloak"
        unzip -q "$part/keycloak-quarkus-dist-$KEYCLOAK_VERSION.zip" -d "$part"
        rm -rf "$home"
        mv -T "$part/keycloak-$KEYCLOAK_VERSION" "$home"
        # Once, so that starting takes seconds and writes nothing into the shared folder.
        "$home/bin/kc.sh" build --db=dev-mem >&2 </dev/null || die "Keycloak could not be built"
        : >"$home/complete"
    fi
    if has flock; then exec 8>&-; fi
}

# What its process is known by: an argument on its command line.
mark() { echo "--hostname=http://127.0.0.1:$(cat "$dir/port" 2>/dev/null)/"; }

answers() { curl -fsS -o /dev/null --max-time 2 "http://127.0.0.1:$1/realms/master" 2>/dev/null; }

make_realm() { # make_realm URL SECRET
    local token
    token=$(curl -fsS "$1/realms/master/protocol/openid-connect/token" -d grant_type=password -d client_id=admin-cli \
        -d username=admin --data-urlencode "password=$2" | sed -nE 's/.*"access_token":"([^"]+)".*/\1/p')
    [ -n "$token" ] || die "the administrator cannot log in"
    sed "s/@SECRET@/$2/" "$here/keycloak/realm.json" |
        curl -fsS "$1/admin/realms" -H "Authorization: Bearer $token" -H 'Content-Type: application/json' --data-binary @-
}

start() {
    open_dir
    local p secret url
    if running "$(mark)"; then
        p=$(cat "$dir/port")
        check_port "$p"
    else
        has java || need_package "Java is missing" default-jre-headless || exit 1
        fetch
        p=$(choose_port "$dir/port" "$port")
        url=http://127.0.0.1:$p
        (umask 077; head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$dir/secret")
        secret=$(cat "$dir/secret")
        spawn "$dir/log" env KC_BOOTSTRAP_ADMIN_USERNAME=admin KC_BOOTSTRAP_ADMIN_PASSWORD="$secret" \
            JAVA_OPTS_KC_HEAP="-Xms64m -Xmx384m -XX:TieredStopAtLevel=1" \
            "$home/bin/kc.sh" start --optimized --cache=local --http-enabled=true --http-host=127.0.0.1 \
            "--http-port=$p" "--hostname=$url/"
        wait_ready 300 "$(mark)" "$dir/log" answers "$p"
        make_realm "$url" "$secret"
        log "Keycloak $KEYCLOAK_VERSION on $url, realm kefu, secret in $dir/secret"
    fi
    echo "export KEFU_TEST_KEYCLOAK=http://127.0.0.1:$p"
    printf 'export KEFU_TEST_KEYCLOAK_SECRET=%q\n' "$dir/secret"
}

stop() {
    [ -d "$dir" ] || return 0
    open_dir
    stop_process "$(mark)"
}

status() {
    if [ -d "$dir" ] && dir=$(cd -- "$dir" && pwd -P) && running "$(mark)"; then
        log "runs on 127.0.0.1:$(cat "$dir/port"), process $pid, secret in $dir/secret"
    else
        log "not running"
        return 3
    fi
}

clean() {
    stop
    rm -rf "$dir/secret" "$dir/log" "$dir/log.1" "$dir/port"
}

command=${1:-}
case $command in
    start | stop | status | clean) shift; parse_args "$@"; "$command" ;;
    *) die "usage: keycloak.sh start|stop|status|clean [--dir DIR] [--port PORT]" ;;
esac
