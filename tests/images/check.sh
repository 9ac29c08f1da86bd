#!/usr/bin/env bash
# Every image as it has to run: read-only root, no capabilities, a user without rights (the services' are run
# by one they do not know), no shell inside; prints their sizes. deploy/images/build.sh makes them.
#
#   check.sh [TAG]      default: dev
set -euo pipefail
# shellcheck source=../../deploy/local/lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../../deploy/local/lib.sh"
me=images
tag=${1:-dev}
# Megabytes of a service's program, and of the suite's, which is five services in one; the base below it,
# the same for all, is told apart.
limit=40 limit_of_suite=60
has podman || need_package "podman is missing" podman buildah runc || exit 1
has objcopy || need_package "objcopy is missing" binutils || exit 1
# As strict as the strictest cluster; the user is none of the image's.
strict=(--rm --read-only --read-only-tmpfs=false --cap-drop=ALL --security-opt=no-new-privileges --user 54321:54321 --network=none)
suite=localhost/kefu:$tag
failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() { log "FAILED: $*"; failed=1; }

# The list of crates inside a program (the section `.dep-v0`, compressed JSON), which has to name its own.
parts() { # parts IMAGE PROGRAM
    local container code=0
    container=$(podman create "$1")
    podman cp "$container:/$2" "$work/program" && objcopy --dump-section ".dep-v0=$work/parts" "$work/program" "$work/rest" &&
        python3 -c '
import json, sys, zlib
crates = json.loads(zlib.decompress(open(sys.argv[1], "rb").read()))["packages"]
names = {crate["name"] for crate in crates}
print(f"{sys.argv[2]}: {len(crates)} crates listed")
sys.exit(not {sys.argv[2], "sea-orm", "rdkafka", "actix-web"} <= names)' "$work/parts" "$2" || code=1
    podman rm "$container" >/dev/null
    return "$code"
}

for service in customer ticketing quality survey notification; do
    image=localhost/kefu-$service:$tag
    podman image exists "$image" || die "$image is missing. Mend it with:  deploy/images/build.sh --tag $tag"
    podman run "${strict[@]}" "$image" openapi | grep -c "^openapi: 3" >/dev/null || fail "$image does not print its API document"
    [ "$(podman image inspect --format '{{.Config.User}}' "$image")" = 65532:65532 ] || fail "$image has no user of its own"
    if podman run "${strict[@]}" --entrypoint /bin/sh "$image" -c true 2>/dev/null; then fail "$image has a shell"; fi
    parts "$image" "kefu-$service" || fail "$image does not tell what it was built from"
done

podman image exists "$suite" || die "$suite is missing. Mend it with:  deploy/images/build.sh --tag $tag suite"
# /data belongs to the image's own user.
container=$(podman run -d "${strict[@]}" --user 65532:65532 -v kefu-check:/data:U "$suite" serve)
trap 'rm -rf "$work"; podman rm -f -t 0 "$container" >/dev/null 2>&1 || true; podman volume rm -f kefu-check >/dev/null' EXIT
for n in {1..120}; do
    if podman exec "$container" /kefu healthcheck >/dev/null 2>&1; then break; fi
    [ "$n" -lt 120 ] || { podman logs "$container" >&2 || true; fail "$suite does not get ready"; }
    sleep 0.5
done
podman stop -t 30 "$container" >/dev/null || fail "$suite does not stop"

# The largest layer is the program, the others are the base.
for image in localhost/kefu-{customer,ticketing,quality,survey,notification}:"$tag" "$suite"; do
    read -r program base < <(podman history --format '{{.Size}}' "$image" | awk '
        BEGIN { unit["B"] = 1; unit["kB"] = 1e3; unit["MB"] = 1e6; unit["GB"] = 1e9 }
        { size = $1 * unit[$2]; all += size; if (size > most) most = size }
        END { printf "%d %d\n", most, all - most }')
    awk -v i="$image" -v p="$program" -v b="$base" 'BEGIN { printf "%-36s program %5.1f MB, base %4.1f MB\n", i, p / 1e6, b / 1e6 }'
    if [ "$image" = "$suite" ]; then most=$limit_of_suite; else most=$limit; fi
    [ "$program" -lt $((most * 1000000)) ] || fail "$image is larger than $most MB over its base"
done
[ "$failed" -eq 0 ] || exit 1
log "all images run read-only, without capabilities, as a user without rights"
