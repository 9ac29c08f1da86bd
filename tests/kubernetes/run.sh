#!/usr/bin/env bash
# `make test-cluster`: Kefu on a real Kubernetes cluster, installed, loaded, restarted, upgraded, rolled back,
# struck, and reconciled afterwards. Ends with figures; fails when one misses its goal.
#
#   KUBECONFIG=FILE KEFU_CLUSTER_LOAD='kind load docker-image' KEFU_CLUSTER_GATEWAY=172.18.0.1 run.sh
#
#   KUBECONFIG              the cluster; a namespace and nothing else is made in it
#   KEFU_CLUSTER_LOAD       command that takes an image's name and brings it to the cluster's nodes
#   KEFU_CLUSTER_GATEWAY    address of this machine that pods reach: PostgreSQL, Kafka, the token issuer and
#                           a mail sink are started here and listen there
#   KEFU_CLUSTER_NODE       address where NodePorts answer (default: 127.0.0.1)
#   KEFU_CLUSTER_EXEC       command that brings another into the cluster's network, if this machine is not
#                           in it (default: none)
#   KEFU_UPGRADE_FROM       version that is upgraded from (default: the last release's tag v*, else the one below)
#   KEFU_TEST_BUILT=1       images kefu*:old and kefu*:new are in the cluster already
#   KEFU_TEST_SECONDS=20    how long the load goes on undisturbed between two events
# Needs kubectl, helm, jq, and what deploy/images/build.sh and deploy/local need.
set -euo pipefail
# shellcheck source=../../deploy/local/lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../../deploy/local/lib.sh"
me=test-cluster
repo=$(cd -- "$here/../.." && pwd -P)
tests=$repo/tests/kubernetes
bin=${KEFU_BIN_DIR:-${CARGO_TARGET_DIR:-$repo/target}/debug}
dir=$repo/.local/kubernetes
services=(customer ticketing quality survey notification)
# The first version that has images and runs on a newer one's schema; until there is a release.
first=c4af4e0

for name in KUBECONFIG KEFU_CLUSTER_LOAD KEFU_CLUSTER_GATEWAY; do
    [ -n "${!name:-}" ] || die "$name is not set; what it is stands at the head of tests/kubernetes/run.sh"
done
has kubectl || die "kubectl is missing. Mend it with: the one of your cluster's version, on the PATH"
has helm || PATH=$PATH:$cache/helm-$HELM_VERSION # where the chart's own checks put it
has helm || die "Helm is missing. Mend it with:  tests/helm/check.sh   (it installs Helm $HELM_VERSION), or put yours on the PATH"
has jq || need_package "jq is missing" jq || exit 1
for program in kefu kubernetes-load; do
    [ -x "$bin/$program" ] || die "$bin/$program is missing. Mend it with:  cargo build --workspace --bins"
done

if [ "${1:-}" != inside ]; then
    if [ -z "${KEFU_TEST_BUILT:-}" ]; then
        old=${KEFU_UPGRADE_FROM:-$(git -C "$repo" describe --tags --abbrev=0 --match 'v*' 2>/dev/null || echo "$first")}
        "$repo/deploy/images/build.sh" --profile release --ref "$old" --tag old "${services[@]}"
        "$repo/deploy/images/build.sh" --profile release --tag new
        for name in "${services[@]}"; do
            $KEFU_CLUSTER_LOAD "localhost/kefu-$name:old"
            $KEFU_CLUSTER_LOAD "localhost/kefu-$name:new"
        done
        $KEFU_CLUSTER_LOAD localhost/kefu:new
    fi
    # shellcheck disable=SC2086 # a command with its arguments
    exec ${KEFU_CLUSTER_EXEC:-} "$0" inside
fi

# From here on in the cluster's network.
mkdir -p "$dir"
# shellcheck source=steps.sh
. "$tests/steps.sh"
trap finish EXIT
trap 'exit 130' INT TERM HUP
begun=$SECONDS
rm -rf "$dir/load" && mkdir -p "$dir/load"

ground
namespace
step "install the old version" install_old
begin_load
step "undisturbed" undisturbed
step "rollout restart" restart
step "helm upgrade" upgrade
step "undisturbed, new version" undisturbed
step "helm rollback" rollback
step "undisturbed, old version on the new schema" undisturbed
step "helm upgrade again" upgrade
step "pods deleted, no grace" strike
step "node drain" drain
step "undisturbed at the end" undisturbed
memory >"$dir/memory" || failures+=("memory of the pods")
end_load
step "helm test" helm_test
step "network policies" network_policies
step "a bad value" bad_value
step "a wrong secret" wrong_secret
figures
