#!/usr/bin/env bash
# Every test, beside the real parts that with-services.sh started. Called by `make test`.
set -euo pipefail
cd "$(dirname -- "${BASH_SOURCE[0]}")/.."
# Always the whole workspace, chosen by target: one feature set, that of `make build`, so that nothing is
# compiled twice.
cargo test --workspace --lib --bins --test it
cargo test --workspace --doc
# One after another: each starts its own stack of processes.
cargo test --workspace --test journeys --test cluster --test faults --test chaos -- --test-threads=1 --nocapture
tests/openapi/check.sh
tests/helm/check.sh
tests/observability/rules.sh
tests/compose/check.sh
