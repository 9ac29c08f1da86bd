#!/usr/bin/env bash
# The API documents: valid OpenAPI 3.1 and AsyncAPI by public tools, and true: schemathesis drives the
# running suite by them and accepts no server error and no undocumented answer.
#   check.sh [MAX_EXAMPLES] [SERVICE…]   examples per operation, default 16; default all services
# KEFU_KEEP=FOLDER keeps the suite's log and, per request, what was sent and answered (ndjson). Run `cargo build -p kefu-suite --bins` and `cargo xtask docs` first.
set -euo pipefail
cd "$(dirname -- "${BASH_SOURCE[0]}")/../.."
. deploy/local/versions.env
services=(customer ticketing quality survey notification)
examples=${1:-16}
chosen=("${@:2}")
[ ${#chosen[@]} -gt 0 ] || chosen=("${services[@]}")
kefu=${CARGO_TARGET_DIR:-target}/debug/kefu
[ -x "$kefu" ] || { echo "$kefu is missing: run cargo build -p kefu-suite --bins" >&2; exit 1; }
cache=${KEFU_CACHE:-$HOME/.cache/kefu}
tools=$cache/api-tools-$SCHEMATHESIS_VERSION-$OPENAPI_SPEC_VALIDATOR_VERSION-$ASYNCAPI_PARSER_VERSION

if [ ! -f "$tools/complete" ]; then
    echo "installing the checkers into $tools (once)" >&2
    rm -rf "$tools"
    python3 -m venv "$tools/venv"
    "$tools/venv/bin/pip" install -q --disable-pip-version-check \
        "schemathesis==$SCHEMATHESIS_VERSION" "openapi-spec-validator==$OPENAPI_SPEC_VALIDATOR_VERSION"
    npm install --silent --no-audit --no-fund --prefix "$tools" "@asyncapi/parser@$ASYNCAPI_PARSER_VERSION"
    : >"$tools/complete"
fi

for service in "${services[@]}"; do
    # The validator prints the whole document with a fault; its first words tell what is wrong.
    fault=$("$tools/venv/bin/openapi-spec-validator" --schema 3.1 "openapi/$service.yaml" 2>&1) || {
        echo "${fault:0:400}" >&2
        exit 1
    }
    echo "openapi/$service.yaml: valid OpenAPI 3.1"
done
node tests/openapi/asyncapi.mjs "$tools" openapi/asyncapi.yaml

# An installation of its own, with the example data, so that lists have rows and ids exist.
work=$(mktemp -d)
port=$((20000 + RANDOM % 12000))
url=http://127.0.0.1:$port
export KEFU__DATA__DIR=$work/data
KEFU__HTTP__LISTEN=127.0.0.1:$port KEFU__HTTP__RATE_PER_SECOND=100000 KEFU__HTTP__RATE_BURST=100000 \
    "$kefu" demo >"$work/log" 2>&1 &
suite=$!
trap 'kill "$suite" 2>/dev/null || true; wait "$suite" 2>/dev/null || true; rm -rf "$work"' EXIT
died() {
    echo "the suite died" >&2
    tail -n 50 "$work/log" >&2
    exit 1
}
for _ in {1..600}; do
    ! grep -q '^Example data is loaded' "$work/log" || break
    kill -0 "$suite" 2>/dev/null || died
    sleep 0.1
done
token=$("$kefu" token admin --url "$url" --data "$KEFU__DATA__DIR")

"$tools/venv/bin/python" tests/openapi/ground.py "$url" "$KEFU__DATA__DIR" "$kefu" openapi "$work/schemathesis.toml"

# The stream of server-sent events never ends by itself; everything else is driven.
drive() {
    "$tools/venv/bin/schemathesis" --config-file "$work/schemathesis.toml" run "openapi/$1.yaml" --url "$url" \
        --header "Authorization: Bearer $token" --phases examples,coverage,fuzzing,stateful \
        --max-examples "$examples" --seed 20260302 --generation-database none --continue-on-failure \
        --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance \
        --exclude-path-regex '/stream$' --request-timeout 20 --warnings off --no-color \
        --report ndjson --report-ndjson-path "$work/$1.ndjson"
}
failed=0
for service in "${chosen[@]}"; do
    begun=$SECONDS
    drive "$service" >"$work/$service.txt" 2>&1 || {
        cat "$work/$service.txt"
        failed=1
    }
    echo "schemathesis $service ($((SECONDS - begun)) s):"
    tail -n 14 "$work/$service.txt"
    kill -0 "$suite" 2>/dev/null || died
done
[ -z "${KEFU_KEEP:-}" ] || { mkdir -p "$KEFU_KEEP" && cp "$work"/log "$work"/*.txt "$work"/*.ndjson "$work"/schemathesis.toml "$KEFU_KEEP"; }
if grep 'panicked at' "$work/log" >&2; then failed=1; fi
curl -fsS -o /dev/null "$url/health/ready" || died
exit "$failed"
