#!/usr/bin/env bash
# Rules, dashboards and runbook as they stand: promtool's checks and tests, and what static.py says.
# `make test-observability` tries them on running services.
set -euo pipefail
cd "$(dirname -- "${BASH_SOURCE[0]}")/../.."
tools=$(deploy/local/prometheus.sh tools)
checked=$(mktemp -d)
trap 'rm -rf "$checked"' EXIT
# promtool wants the files that name targets to be there.
mkdir "$checked/targets" "$checked/collector-targets"
cp -r deploy/observability/prometheus.yaml deploy/observability/rules "$checked"
rm -rf "$checked/rules/tests"
echo '[]' | tee "$checked/targets/none.yaml" >"$checked/collector-targets/none.yaml"
"$tools/promtool" check config "$checked/prometheus.yaml"
"$tools/promtool" test rules deploy/observability/rules/tests/*.yaml
PYTHONDONTWRITEBYTECODE=1 python3 tests/observability/static.py
