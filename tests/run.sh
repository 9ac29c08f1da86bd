#!/usr/bin/env bash
# Every test, beside the real parts that with-services.sh started. Called by `make test`.
set -euo pipefail
cd "$(dirname -- "${BASH_SOURCE[0]}")/.."
cargo test --workspace --exclude kefu-tests
# One after another: each starts its own stack of processes.
cargo test --package kefu-tests -- --test-threads=1 --nocapture
tests/openapi/check.sh
tests/observability/rules.sh
