#!/usr/bin/env bash
# deploy/compose.yaml against the Compose specification, by the specification's own reference program, and
# every file that it mounts; no container engine is needed.
#
# Needs Go; what it installs stands in ${KEFU_CACHE:-~/.cache/kefu}/compose-VERSION.
set -euo pipefail
# shellcheck source=../../deploy/local/lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../../deploy/local/lib.sh"
me=compose
cd -- "$here/../.."
tools=$cache/compose-$COMPOSE_GO_VERSION
if [ ! -x "$tools/cmd" ]; then
    has go || die "Go is missing, which builds the checker. Mend it with: a Go tool chain, 1.24 or newer"
    log "building the Compose specification's checker (once)"
    GOBIN=$tools.new go install "github.com/compose-spec/compose-go/v2/cmd@v$COMPOSE_GO_VERSION"
    rm -rf "$tools" && mv "$tools.new" "$tools"
fi

# Secrets that only this check knows; deploy/.env is not read.
mapfile -t secrets < <(grep -oE '\$\{KEFU_[A-Z_]+:\?' deploy/compose.yaml | tr -d '${:?' | sort -u)
given=()
for name in "${secrets[@]}"; do given+=("$name=x"); done
model=$(mktemp)
trap 'rm -f "$model"' EXIT
(cd deploy && env "${given[@]}" "$tools/cmd" --format json compose.yaml >"$model")

# A secret that is not given is an error that says what to do, not an empty password.
if (cd deploy && env -u KEFU_PII_KEY "$tools/cmd" compose.yaml) >"$model.refused" 2>&1; then
    rm -f "$model.refused"
    die "the file is taken without its secrets"
fi
grep -q 'secrets.sh' "$model.refused" || { cat "$model.refused" >&2; die "the refusal does not say how to mend it"; }
rm -f "$model.refused"

python3 - "$model" <<'END'
import json, os, sys
services = json.load(open(sys.argv[1]))["services"]
own = [n for n in services if n.split("-")[0] in "customer ticketing quality survey notification".split()]
wrong = []
for name, service in services.items():
    for volume in service.get("volumes", []):
        if volume["type"] == "bind" and not os.path.exists(volume["source"]):
            wrong.append(f"{name} mounts {volume['source']}, which is not there")
    for port in service.get("ports", []):
        if port.get("host_ip") != "127.0.0.1":
            wrong.append(f"{name} listens on {port}")
for name in own:
    if not services[name].get("read_only") or services[name].get("cap_drop") != ["ALL"]:
        wrong.append(f"{name} is not confined")
if len(own) != 15:
    wrong.append(f"{len(own)} of Kefu's 15 containers: {own}")
print("\n".join(wrong) or f"compose: {len(services)} services, as specified", file=sys.stderr)
sys.exit(bool(wrong))
END
