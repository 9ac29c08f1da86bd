# Kefu. Everything a newcomer needs is `make run` and `make test`; both do their own set-up.

TARGET := $(or $(CARGO_TARGET_DIR),target)

.PHONY: help run bootstrap build check test test-observability test-oidc test-upgrade test-restore test-cluster chaos images up down docs bench clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: bootstrap ## build, start the suite in ./data, load demo data, print URL, login and token
	cargo build --bin kefu
	exec $(TARGET)/debug/kefu demo

bootstrap:
	@deploy/local/bootstrap.sh

build: bootstrap ## build every binary
	cargo build --workspace --all-targets

check: ## format, lints, architecture rules, drift of generated documents
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo xtask arch
	cargo xtask docs --check

test: build check ## everything, on SQLite and on real PostgreSQL and Kafka
	deploy/local/with-services.sh tests/run.sh

test-observability: build ## every panel, alert and trace against running services, with faults; about 12 min
	tests/observability/live.py $(OBSERVE)

chaos: build ## faults by seed on a split cluster, and proof that the harness sees broken guarantees; about 25 min
	cargo test --workspace --test chaos -- --include-ignored --test-threads=1 --nocapture
	deploy/local/with-services.sh $(TARGET)/debug/chaos

test-oidc: build ## a real Keycloak: logins, key rotation, wrong audience, expiry, clock skew; about 3 min
	cargo test --workspace --test oidc -- --ignored --nocapture

test-upgrade: build ## from the last release to this version and back under load, side by side; about 5 min
	cargo test --workspace --test upgrade -- --ignored --nocapture

test-restore: build ## databases lost under load, restored, caught up from the log; about 4 min
	cargo test --workspace --test restore -- --ignored --nocapture

images: ## container images of every service and of the suite, tag dev; checked as they have to run
	deploy/images/build.sh
	tests/images/check.sh

test-cluster: build ## install, load, upgrade, roll back and strike Kefu on a real Kubernetes cluster; see tests/kubernetes/run.sh
	tests/kubernetes/run.sh

up: build ## split mode: five processes on PostgreSQL and Kafka
	deploy/local/split.sh start

down: ## end what `make up` started
	deploy/local/split.sh stop

docs: ## write openapi/*.yaml, asyncapi.yaml and the event schemas anew
	cargo xtask docs

bench: bootstrap ## ratios against baselines measured in the same run, release build
	cargo build --release --workspace --bins
	KEFU_POSTGRES_FSYNC=on deploy/local/with-services.sh $(TARGET)/release/xtask bench all

clean:
	cargo clean
	rm -rf .local
