#!/usr/bin/env bash
# Makes the base image of the builds out of Debian's packages and this machine's own Rust tool chain, for
# machines that reach no image registry. Where one is reached, this is not needed: the Dockerfile's default
# is the registry's image of the same name.
#
#   base.sh [--force]      makes localhost/kefu-rust:VERSION-bookworm, unless it is there
#
# The machine's own certificate authorities go along, or nothing could be fetched from behind a company's
# proxy. Needs root (debootstrap), podman and rustup's tool chain of the version that Cargo.toml names.
set -euo pipefail
# shellcheck source=../local/lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../local/lib.sh"
me=base
rust=$(sed -nE 's/^rust-version *= *"([0-9.]+)".*/\1/p' "$here/../../Cargo.toml")
image=localhost/kefu-rust:$rust-bookworm
# What the image of that name on the registries has and a build needs.
packages=gcc,g++,libc6-dev,make,perl,pkg-config,libssl-dev,zlib1g-dev,ca-certificates

[ "$(id -u)" -eq 0 ] || die "debootstrap needs root"
has podman || need_package "podman is missing" podman buildah runc || exit 1
if [ "${1:-}" != --force ] && podman image exists "$image"; then
    log "$image is there"
    exit 0
fi
has debootstrap || need_package "debootstrap is missing" debootstrap || exit 1
has rustc || die "Rust is missing. Mend it with: rustup, the Rust project's installer ($rust or newer)"
toolchain=$(rustc --print sysroot)
found=$(rustc --version | cut -d' ' -f2)
case $found in "$rust" | "$rust".*) ;; *) die "the tool chain is $found, not $rust. Mend it with:  rustup default $rust" ;; esac

root=$(mktemp -d /var/tmp/kefu-base.XXXXXX)
# shellcheck disable=SC2064
trap "rm -rf '$root'" EXIT
log "making $image (some minutes, once)"
debootstrap --variant=minbase --include="$packages" bookworm "$root" >&2
# Ones of the machine, if any, beside Debian's.
if compgen -G '/usr/local/share/ca-certificates/*.crt' >/dev/null; then
    cp /usr/local/share/ca-certificates/*.crt "$root/usr/local/share/ca-certificates/"
    chroot "$root" update-ca-certificates >&2
fi
mkdir -p "$root/usr/local/cargo" "$root/usr/local/rust"
cp -a "$toolchain/bin" "$toolchain/lib" "$root/usr/local/rust/"
rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
tar -C "$root" -c . | podman import -q \
    --change 'ENV PATH=/usr/local/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
    --change 'ENV CARGO_HOME=/usr/local/cargo' - "$image" >/dev/null
podman image inspect --format '{{.Size}}' "$image" | awk -v i="$image" '{ printf "%s: %.0f MB\n", i, $1 / 1e6 }' >&2
