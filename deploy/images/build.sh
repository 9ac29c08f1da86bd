#!/usr/bin/env bash
# Builds the images of deploy/Dockerfile with podman, or docker where there is no podman, and prints their sizes.
#
#   build.sh [--ref GIT_REF] [--tag TAG] [--profile dist|release|dev] [SERVICE...]
#
# SERVICE is customer, ticketing, quality, survey, notification or suite; all of them unless named. Images
# are called localhost/kefu-SERVICE:TAG (suite: localhost/kefu:TAG); TAG is `dev`. Without --ref the working
# tree is built, with it that version's sources by this version's Dockerfile.
# Where base.sh has made a base image, that one is used, else the registry's.
#   KEFU_ENGINE=docker    instead of the one that is found
#   KEFU_BUILD_JOBS=N     compilers at once (default: 2)
set -euo pipefail
# shellcheck source=../local/lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../local/lib.sh"
me=build
repo=$(cd -- "$here/../.." && pwd -P)

ref='' tag=dev profile=dist services=()
while [ $# -gt 0 ]; do
    case $1 in
        --ref | --tag | --profile) [ $# -ge 2 ] || die "$1 needs a value"; declare "${1#--}=$2"; shift ;;
        customer | ticketing | quality | survey | notification | suite) services+=("$1") ;;
        *) die "usage: build.sh [--ref GIT_REF] [--tag TAG] [--profile dist|release|dev] [SERVICE...]" ;;
    esac
    shift
done
[ "${#services[@]}" -gt 0 ] || services=(customer ticketing quality survey notification suite)

# A build has no use for a network of its own: it fetches by the machine's.
options=(--network=host)
engine=${KEFU_ENGINE:-}
if [ -n "$engine" ]; then :; elif has podman; then engine=podman; elif has docker; then engine=docker; else
    need_package "podman is missing" podman buildah runc || exit 1
    engine=podman
fi
rust=$(sed -nE 's/^rust-version *= *"([0-9.]+)".*/\1/p' "$repo/Cargo.toml")
made=localhost/kefu-rust:$rust-bookworm
if "$engine" image inspect "$made" >/dev/null 2>&1; then options+=(--build-arg "RUST_IMAGE=$made"); fi

context=$repo
revision=$(git -C "$repo" rev-parse "${ref:-HEAD}^{commit}")
if [ -n "$ref" ]; then
    context=$(mktemp -d)
    # shellcheck disable=SC2064
    trap "rm -rf '$context'" EXIT
    git -C "$repo" archive "$revision" | tar -xC "$context"
    cp "$repo/.dockerignore" "$context/"
elif [ -n "$(git -C "$repo" status --porcelain)" ]; then
    revision+=-dirty
fi
options+=(--build-arg "VERSION=$tag" --build-arg "REVISION=$revision" --build-arg "PROFILE=$profile")
options+=(--build-arg "JOBS=${KEFU_BUILD_JOBS:-2}" -f "$repo/deploy/Dockerfile")

program_of() { if [ "$1" = suite ]; then echo kefu; else echo "kefu-$1"; fi; }
programs=$(for service in "${services[@]}"; do program_of "$service"; done | tr '\n' ' ')
options+=(--build-arg "PROGRAMS=$programs")

image_of() { echo "localhost/$(program_of "$1"):$tag"; }

for service in "${services[@]}"; do
    log "building $(image_of "$service") of $revision"
    "$engine" build "${options[@]}" --target "$service" -t "$(image_of "$service")" "$context" >&2
done
for service in "${services[@]}"; do
    "$engine" image inspect --format '{{.Size}}' "$(image_of "$service")" |
        awk -v image="$(image_of "$service")" '{ printf "%-36s %5.1f MB\n", image, $1 / 1e6 }'
done
