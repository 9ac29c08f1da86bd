#!/usr/bin/env bash
# The chart helm/kefu: linted, rendered with every example, each object checked against the schemas of
# Kubernetes and of the operators, then for what schemas do not see; refusals; golden files; its README.
#
#   check.sh             checks
#   check.sh --update    writes tests/helm/golden and helm/kefu/README.md anew, then checks
#
# Helm and the operators' schemas come by Go once, into ${KEFU_CACHE:-~/.cache/kefu}; KEFU_HELM=PROGRAM uses
# a Helm of your own.
set -euo pipefail
cd "$(dirname -- "${BASH_SOURCE[0]}")/../.."
# shellcheck source=../../deploy/local/lib.sh
. deploy/local/lib.sh
me=helm

tools=$cache/helm-$HELM_VERSION
crds=$cache/crds-$GATEWAY_API_VERSION-$KEDA_VERSION-$CLOUDNATIVEPG_VERSION-$PROMETHEUS_OPERATOR_VERSION
venv=$cache/kubernetes-validate-$KUBERNETES_VALIDATE_VERSION

need_go() {
    has go || die "Go is missing. Mend it with: install Go $GO_MINIMUM or newer from https://go.dev/dl, or set KEFU_HELM to a Helm $HELM_VERSION"
    local version
    version=$(go env GOVERSION) && version=${version#go}
    [ "$(printf '%s\n' "$GO_MINIMUM" "$version" | sort -V | head -n 1)" = "$GO_MINIMUM" ] ||
        die "Go $version is too old. Mend it with: install Go $GO_MINIMUM or newer from https://go.dev/dl"
}

# The last step of each leaves what is asked for: a half-made one is made anew.
helm=${KEFU_HELM:-$tools/helm}
if [ ! -x "$helm" ]; then
    [ -z "${KEFU_HELM:-}" ] || die "KEFU_HELM=$KEFU_HELM is no program"
    need_go
    log "building Helm $HELM_VERSION into $tools (once, some minutes)"
    GOBIN=$tools.new go install "helm.sh/helm/v3/cmd/helm@v$HELM_VERSION"
    mv -T "$tools.new" "$tools"
fi
if [ ! -d "$crds" ]; then
    need_go
    log "fetching the operators' schemas into $crds (once)"
    rm -rf "$crds.new"
    mkdir -p "$crds.new"
    fetch() { # fetch MODULE@VERSION FILE...
        local folder file
        folder=$(cd "$crds.new" && go mod download -json "$1" | sed -n 's/^\t"Dir": "\(.*\)",\?$/\1/p')
        for file in "${@:2}"; do install -m 644 "$folder/$file" "$crds.new/"; done
    }
    fetch "sigs.k8s.io/gateway-api@v$GATEWAY_API_VERSION" config/crd/standard/gateway.networking.k8s.io_httproutes.yaml
    fetch "github.com/kedacore/keda/v2@v$KEDA_VERSION" config/crd/bases/keda.sh_scaledobjects.yaml
    fetch "github.com/cloudnative-pg/cloudnative-pg@v$CLOUDNATIVEPG_VERSION" config/crd/bases/postgresql.cnpg.io_clusters.yaml
    fetch "github.com/prometheus-operator/prometheus-operator@v$PROMETHEUS_OPERATOR_VERSION" \
        example/prometheus-operator-crd/monitoring.coreos.com_{servicemonitors,prometheusrules}.yaml
    mv -T "$crds.new" "$crds"
fi
if [ ! -f "$venv/complete" ]; then
    if ! has python3 || ! python3 -c 'import ensurepip' 2>/dev/null; then
        need_package "Python's venv module is missing" python3 python3-venv || exit 1
    fi
    log "making $venv (once)"
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install -q --disable-pip-version-check "kubernetes-validate==$KUBERNETES_VALIDATE_VERSION"
    : >"$venv/complete"
fi

if [ "${1:-}" = --update ]; then helm/readme.py; fi
exec env PYTHONDONTWRITEBYTECODE=1 "$venv/bin/python" tests/helm/check.py "$helm" "$crds" "$@"
