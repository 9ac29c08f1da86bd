#!/usr/bin/env bash
# Builds the previous version's programs (debug profile) and prints the folder they are in.
#
#   previous.sh
#
# The version is KEFU_UPGRADE_FROM (a git ref), else the last release's tag (v*), else the commit below.
# It is built from a copy of its sources under ${KEFU_CACHE:-~/.cache/kefu}/previous-COMMIT, once; what this
# version's build has compiled already (target/debug) is taken over to save the time.
set -euo pipefail
# shellcheck source=../../deploy/local/lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../../deploy/local/lib.sh"
# The oldest version that runs on a newer one's schema; until there is a release.
FIRST=73086abbc48da3e349a8e42d8b60f3f454b02036

root=$(cd -- "$here/../.." && pwd)
ref=${KEFU_UPGRADE_FROM:-$(git -C "$root" describe --tags --abbrev=0 --match 'v*' 2>/dev/null || echo "$FIRST")}
commit=$(git -C "$root" rev-parse --verify --quiet "$ref^{commit}") ||
    die "there is no version $ref here; fetch the whole history (git fetch --unshallow --tags), or set KEFU_UPGRADE_FROM"
dir=$cache/previous-${commit:0:12}
mkdir -p "$dir"
if has flock; then exec 8>"$dir/lock"; flock -w 3600 8 || die "another run does not finish $dir"; fi
if [ ! -f "$dir/complete" ]; then
    log "building the previous version, $ref, in $dir (once)"
    rm -rf "$dir/source"
    mkdir -p "$dir/source"
    git -C "$root" archive "$commit" | tar -x -C "$dir/source"
    target=${CARGO_TARGET_DIR:-$root/target}
    if [ ! -d "$dir/target" ] && [ -d "$target/debug" ]; then
        mkdir -p "$dir/target"
        tar -C "$target" --exclude=debug/incremental -c debug | tar -C "$dir/target" -x
    fi
    (cd "$dir/source" && CARGO_TARGET_DIR=$dir/target cargo build --workspace --bins >&2)
    mkdir -p "$dir/bin"
    for name in kefu kefu-customer kefu-ticketing kefu-quality kefu-survey kefu-notification; do
        cp "$dir/target/debug/$name" "$dir/bin/"
    done
    # Some gigabytes that nobody needs any more.
    rm -rf "$dir/target" "$dir/source"
    : >"$dir/complete"
fi
echo "$dir/bin"
