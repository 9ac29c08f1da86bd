#!/usr/bin/env bash
# Checks what a machine needs to build Kefu, installs what it can (Debian packages, as root or by a sudo
# that asks no password) and says what is still missing. Writes nothing into the repository.
#
#   bootstrap.sh          needed: Rust, a C and a C++ compiler, make
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
missing=0

wanted=$(sed -nE 's/^rust-version *= *"([0-9.]+)".*/\1/p' "$here/../../Cargo.toml")
if has rustc && has cargo; then
    found=$(rustc --version | cut -d' ' -f2)
    if [ "$(printf '%s\n' "$wanted" "$found" | sort -V | head -n 1)" = "$wanted" ]; then
        log "Rust $found"
    else
        log "Rust $found is too old. Mend it with:  rustup update stable   ($wanted or newer)"
        missing=1
    fi
else
    log "Rust is missing. Mend it with: rustup, the Rust project's installer ($wanted or newer)"
    missing=1
fi

# The Kafka client and the TLS library are C and C++ sources, compiled with the rest.
packages=()
has cc || packages+=(gcc libc6-dev)
has c++ || packages+=(g++)
has make || packages+=(make)
if [ "${#packages[@]}" -gt 0 ]; then
    need_package "parts of the C tool chain are missing" "${packages[@]}" || missing=1
else
    log "C and C++ compilers, make: $(cc --version | head -n 1)"
fi

[ "$missing" -eq 0 ] || die "not ready to build: see above"
log "ready to build"
