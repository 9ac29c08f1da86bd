# shellcheck shell=bash disable=SC2034,SC2154
# What tests/kubernetes/run.sh does, step by step; sourced by it.
ns=kefu-test
release=kefu
k() { kubectl -n "$ns" "$@"; }
selector=app.kubernetes.io/instance=$release
timings=$dir/timings
failures=()

# step NAME COMMAND...: one thing that is done, timed, and named to the load. A failure is noted, and the
# next step goes on: the cluster is looked at as a whole. (A command that is asked for its outcome does not
# stop at an error, so that every step is a chain of &&.)
step() {
    local name=$1 at=$SECONDS; shift
    log "$name"
    echo "$name" >"$dir/load/phase"
    if "$@"; then echo "$name: $((SECONDS - at)) s" >>"$timings"; else
        failures+=("$name")
        log "FAILED: $name"
        k get pods -o wide >&2 || true
        echo "$name: failed after $((SECONDS - at)) s" >>"$timings"
    fi
}

# Everything the services stand on, on this machine, where pods reach it.
ground() {
    rm -f "$dir"/{timings,migrations.*,bad-value,wrong-secret,memory}
    export KEFU_LISTEN=$KEFU_CLUSTER_GATEWAY KEFU_BIN_DIR=$bin
    # Tokens have to outlive the run.
    export KEFU__ISSUER__TOKEN_TTL_SECS=86400
    "$here/split.sh" clean --dir "$dir/ground"
    "$here/split.sh" prepare --dir "$dir/ground" >"$dir/ground.env"
    smoke_client
    # shellcheck disable=SC1091
    . "$dir/ground.env"
    local name password urls=()
    for name in "${services[@]}"; do
        password=$(random)
        psql -qAt "$KEFU_TEST_POSTGRES" -v ON_ERROR_STOP=1 >/dev/null <<END
create role kefu_$name login password '$password';
alter database kefu_$name owner to kefu_$name;
revoke connect on database kefu_$name from public;
END
        urls+=("--from-literal=$name=postgres://kefu_$name:$password@$KEFU_CLUSTER_GATEWAY:$(postgres_port)/kefu_$name")
    done
    printf '%s\n' "${urls[@]}" >"$dir/database.urls"
}

random() { head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n'; }
postgres_port() { local at=${KEFU_TEST_POSTGRES#*@*:}; echo "${at%%/*}"; }

# The issuer's accounts have a partner without many rights; `kefu smoke` plays customer, agent and admin.
smoke_client() {
    local accounts=$dir/ground/issuer/accounts.json secret
    secret=$(random)
    jq --arg secret "$secret" --arg hash "$(printf %s "$secret" | sha256sum | cut -d' ' -f1)" \
        '.clients += [{id: "smoke", secret: $secret, secret_sha256: $hash, org: "/acme",
          scopes: ["customer:read", "customer:write", "customer:admin", "ticket:read", "ticket:create", "ticket:write", "survey:read", "survey:invite",
                   "survey:admin", "notification:read", "notification:admin", "quality:read"]}]' \
        "$accounts" >"$accounts.part"
    mv "$accounts.part" "$accounts"
    kill "$(cat "$dir/ground/issuer/pid")"
    while kill -0 "$(cat "$dir/ground/issuer/pid")" 2>/dev/null; do sleep 0.1; done
    "$here/split.sh" prepare --dir "$dir/ground" >"$dir/ground.env"
}

namespace() {
    kubectl delete namespace "$ns" --ignore-not-found --wait >&2
    kubectl create namespace "$ns" >&2
    kubectl label namespace "$ns" pod-security.kubernetes.io/enforce=restricted >&2
    mapfile -t urls <"$dir/database.urls"
    k create secret generic kefu-database "${urls[@]}" >&2
    k create secret generic kefu-pii "--from-literal=k1=$(random)" "--from-literal=index=$(random)" >&2
    k create secret generic kefu-smoke --from-literal=client-id=smoke \
        "--from-literal=client-secret=$(jq -r '.clients[] | select(.id == "smoke").secret' "$dir/ground/issuer/accounts.json")" >&2
    sed -e "s|@GATEWAY@|$KEFU_CLUSTER_GATEWAY|g" -e "s|@POSTGRES_PORT@|$(postgres_port)|g" \
        -e "s|@BROKERS@|$KEFU_TEST_KAFKA|g" -e "s|@ISSUER@|$KEFU_ISSUER_URL|g" \
        -e "s|@SMTP_PORT@|${KEFU_TEST_SMTP##*:}|g" "$tests/values.yaml" >"$dir/values.yaml"
}

chart() { # chart COMMAND ARGS...: helm with this test's values
    local command=$1; shift
    helm "$command" "$release" "$repo/helm/kefu" -n "$ns" -f "$dir/values.yaml" --timeout 300s "$@" >"$dir/helm.log" 2>&1 ||
        { local code=$?; cat "$dir/helm.log" >&2; return "$code"; }
}

# The old version makes its topics when it starts; it may not know the command yet.
install_old() {
    local at=$SECONDS name
    chart install --wait --set image.tag=old --set topics.create=none &&
        ready_in=$((SECONDS - at)) && pod_ready=$(ready_times) && all_steps >"$dir/migrations.old" || return 1
    for name in "${services[@]}"; do
        declare -gx "KEFU_${name^^}_URL=http://${KEFU_CLUSTER_NODE:-127.0.0.1}:$(k get service -l "$selector,app.kubernetes.io/component=$name" -o jsonpath='{.items[0].spec.ports[0].nodePort}')"
    done
}

begin_load() {
    [ "${#failures[@]}" -eq 0 ] || die "nothing to load: the installation failed"
    # The old version closes connections that were unused for five seconds, without a word.
    KEFU_TEST_IDLE_SECS=4 "$bin/kubernetes-load" "$dir/load" >"$dir/load/account" 2>"$dir/load/errors" &
    load=$!
}

undisturbed() { sleep "${KEFU_TEST_SECONDS:-20}"; kill -0 "$load"; }

end_load() {
    echo end >"$dir/load/phase"
    log "end of the load; waiting for quiet and reconciling"
    wait "$load" || failures+=("load: see the account")
    load=
    cat "$dir/load/account"
    [ ! -s "$dir/load/errors" ] || cat "$dir/load/errors" >&2
}

deployments() { k get deployments -l "$selector" -o name; }
rolled_out() { local d; for d in $(deployments); do k rollout status "$d" --timeout 180s >/dev/null || return 1; done; }

restart() {
    local d
    for d in $(deployments); do k rollout restart "$d" >/dev/null || return 1; done
    rolled_out
}

steps_of() { psql -qAt "${KEFU_TEST_POSTGRES%/*}/kefu_$1" -c 'select version from seaql_migrations'; }
# Pods that run and are to go on, as JSON.
alive() { k get pods -l "$selector" -o json | jq '[.items[] | select(.status.phase == "Running" and .metadata.deletionTimestamp == null)]'; }
images() { alive | jq -r '.[].spec.containers[0].image | sub(".*:"; "")' | sort -u | tr '\n' ' '; }
runs() { local tag; tag=$(images); [ "$tag" = "$1 " ] || { log "running versions: $tag"; return 1; }; }

all_steps() { local name; for name in "${services[@]}"; do steps_of "$name" | sed "s/^/$name /"; done | LC_ALL=C sort; }
added_steps() { all_steps | LC_ALL=C comm -13 "$dir/migrations.old" -; }

# A new schema is what the upgrade is tried for.
upgrade() {
    chart upgrade --wait --set image.tag=new && rolled_out && runs new && added_steps >"$dir/migrations.added" || return 1
    [ -s "$dir/migrations.added" ] || { log "the upgrade migrated nothing"; return 1; }
}

rollback() {
    helm rollback "$release" 1 -n "$ns" --wait --timeout 300s >&2 && rolled_out && runs old && added_steps | cmp - "$dir/migrations.added"
}

# Ten pods, any service, deleted with no grace: the kubelet gives them two seconds from SIGTERM to SIGKILL.
strike() {
    local n pod pods
    RANDOM=6
    for n in {1..10}; do
        mapfile -t pods < <(alive | jq -r '.[].metadata.name')
        pod=${pods[RANDOM % ${#pods[@]}]}
        k delete pod "$pod" --grace-period=0 --force >/dev/null 2>&1
        echo "$n" >"$dir/load/kills"
        sleep $((2 + RANDOM % 5))
    done
    rolled_out
}

# With one node the budgets let one pod of each service go and keep the other; with more all may move.
drain() {
    local node d left
    node=$(k get pods -l "$selector" -o jsonpath='{.items[0].spec.nodeName}')
    if kubectl drain "$node" --ignore-daemonsets --delete-emptydir-data --pod-selector "$selector" --timeout 60s >"$dir/drain.log" 2>&1; then
        drained="to its end"
    else
        grep -q 'disruption budget' "$dir/drain.log" || { cat "$dir/drain.log" >&2; kubectl uncordon "$node" >&2; return 1; }
        drained="held up by the PodDisruptionBudgets, as they should where pods have nowhere to go"
    fi
    for d in $(deployments); do
        left=$(k get "$d" -o jsonpath='{.status.readyReplicas}')
        [ "${left:-0}" -ge 1 ] || { log "$d has no pod that is ready"; kubectl uncordon "$node" >&2; return 1; }
    done
    kubectl uncordon "$node" >&2
    rolled_out
}

helm_test() { helm test "$release" -n "$ns" --logs --timeout 300s >"$dir/smoke.log" 2>&1 || { cat "$dir/smoke.log" >&2; return 1; }; }

network_policies() {
    policies=$(k get networkpolicies -l "$selector" -o name | wc -l)
    [ "$policies" -ge "${#services[@]}" ] || { log "$policies NetworkPolicies"; return 1; }
}

# What the schema refuses, and what only the program can know: both are told by name, and what runs goes on.
bad_value() {
    if chart upgrade --wait --set image.tag=new --set services.ticketing.replicas=many 2>/dev/null; then log "replicas: many was taken"; return 1; fi
    grep -q replicas "$dir/helm.log" || { cat "$dir/helm.log" >&2; return 1; }
    grep -m1 replicas "$dir/helm.log" >"$dir/bad-value"
    refused 'http.workers' --set services.ticketing.settings.http.workers=0 >>"$dir/bad-value"
}

wrong_secret() {
    k create secret generic kefu-database-wrong \
        $(sed -E 's|//(kefu_[a-z]+):[0-9a-f]+@|//\1:wrong@|' "$dir/database.urls") >&2
    refused 'password authentication failed' --set database.existingSecret=kefu-database-wrong >"$dir/wrong-secret"
}

# refused TEXT HELM_OPTIONS...: the upgrade fails and Helm prints TEXT, the pods that ran go on running.
refused() {
    local text=$1 said; shift
    if chart upgrade --wait --timeout 90s --set image.tag=new "$@" 2>/dev/null; then log "accepted: $*"; return 1; fi
    said=$(grep -- "$text" "$dir/helm.log" | tail -n 1)
    helm rollback "$release" -n "$ns" --wait --timeout 300s >&2
    [ -n "$said" ] || { log "Helm did not print the cause: $text"; cat "$dir/helm.log" >&2; return 1; }
    echo "$said"
    rolled_out
}

# Working set of every pod, as the kubelet counts it.
memory() {
    local node
    for node in $(kubectl get nodes -o jsonpath='{.items[*].metadata.name}'); do
        kubectl get --raw "/api/v1/nodes/$node/proxy/stats/summary"
    done | jq -r --arg ns "$ns" 'def mib: if . == null then "unknown" else "\(. / 1048576 | round) MiB" end;
        .pods[] | select(.podRef.namespace == $ns) | [.containers[]?.memory] as $all
        | "\(.podRef.name) \(.memory.workingSetBytes // ([$all[].workingSetBytes] | add) | mib), resident \([$all[].rssBytes] | add | mib)"' | sort
}

ready_times() {
    alive | jq -r '.[] | ((.status.conditions[] | select(.type == "Ready").lastTransitionTime | fromdate) - (.metadata.creationTimestamp | fromdate))' |
        sort -n | awk '{ a[NR] = $1 } END { printf "%d to %d s, median %d s", a[1], a[NR], a[int((NR + 1) / 2)] }'
}

found() { if [ -s "$dir/$1" ]; then tr '\n' ' ' <"$dir/$1"; else echo "nothing: see above"; fi; }

figures() {
    echo
    echo "helm install --wait: ${ready_in:-failed} s; a pod from creation to ready: ${pod_ready:-unknown}"
    echo "migrations added by the upgrade: $(found migrations.added)"
    echo "drain: ${drained:-failed}"
    echo "NetworkPolicies accepted: ${policies:-failed}"
    echo "a bad value: $(found bad-value)"
    echo "a wrong secret: $(found wrong-secret)"
    echo "memory of every pod at the end of the load:"
    sed 's/^/  /' "$dir/memory"
    echo "steps:"
    sed 's/^/  /' "$timings"
}

# Whatever happened: the load and what was started here end; the namespace stays for a look.
finish() {
    local code=$?
    trap - EXIT
    [ -z "${load:-}" ] || kill "$load" 2>/dev/null || true
    "$here/split.sh" stop --dir "$dir/ground" || log "not everything could be stopped: deploy/local/split.sh status --dir $dir/ground"
    if [ "${#failures[@]}" -gt 0 ]; then
        printf 'test-cluster: FAILED: %s\n' "${failures[@]}" >&2
        code=1
    fi
    [ "$code" -ne 0 ] || log "passed in $((SECONDS - begun)) s"
    exit "$code"
}
