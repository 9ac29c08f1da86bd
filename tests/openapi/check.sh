#!/usr/bin/env bash
# The API documents: valid OpenAPI 3.1 and AsyncAPI by public tools, and true: schemathesis drives the
# running suite by them and accepts no server error and no undocumented answer.
#   check.sh [MAX_EXAMPLES]     examples per operation, default 15
set -euo pipefail
cd "$(dirname -- "${BASH_SOURCE[0]}")/../.."
. deploy/local/versions.env
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

for document in openapi/customer.yaml openapi/ticketing.yaml openapi/quality.yaml openapi/survey.yaml openapi/notification.yaml; do
    "$tools/venv/bin/openapi-spec-validator" --schema 3.1 "$document"
done
node tests/openapi/asyncapi.mjs "$tools" openapi/asyncapi.yaml

data=$(mktemp -d)
port=$((20000 + RANDOM % 12000))
KEFU__DATA__DIR=$data/data KEFU__HTTP__LISTEN=127.0.0.1:$port KEFU__HTTP__RATE_PER_SECOND=100000 \
    KEFU__HTTP__RATE_BURST=100000 target/debug/kefu serve --demo >"$data/log" 2>&1 &
suite=$!
trap 'kill "$suite" 2>/dev/null || true; wait "$suite" 2>/dev/null || true; rm -rf "$data"' EXIT
for _ in {1..300}; do
    ! curl -fsS -o /dev/null "http://127.0.0.1:$port/health/ready" 2>/dev/null || break
    kill -0 "$suite" || { tail -n 50 "$data/log" >&2; exit 1; }
    sleep 0.1
done
token=$(target/debug/kefu token admin --data "$data/data")
failed=0
for service in customer ticketing quality survey notification; do
    echo "schemathesis: $service"
    "$tools/venv/bin/schemathesis" run "openapi/$service.yaml" --url "http://127.0.0.1:$port" \
        --header "Authorization: Bearer $token" --max-examples "${1:-15}" --seed 20260302 --workers 2 \
        --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance \
        --exclude-path-regex '/stream$' --request-timeout 20 --no-color >"$data/$service.txt" 2>&1 || {
        cat "$data/$service.txt"
        failed=1
    }
    tail -n 12 "$data/$service.txt"
done
kill -0 "$suite" || { echo "the suite died" >&2; tail -n 50 "$data/log" >&2; exit 1; }
exit "$failed"
