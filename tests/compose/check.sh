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

# Every secret that the file wants is one that secrets.sh makes.
for name in $(grep -oE '\$\{KEFU_[A-Z_]+:\?' deploy/compose.yaml | tr -d '${:?' | sort -u); do
    grep -qw "$name" deploy/compose/secrets.sh || die "deploy/compose/secrets.sh does not make $name"
done

# Names of variables stay as they are: the checker does not look into the environment.
model=$(mktemp)
trap 'rm -f "$model"' EXIT
(cd deploy && "$tools/cmd" --format json --no-interpolation compose.yaml >"$model")

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
