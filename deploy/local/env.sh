# shellcheck shell=sh
# Build settings of this machine, to be sourced (POSIX sh, so a Makefile recipe can): `. deploy/local/env.sh`.
#
# Lets cargo link with mold, else lld, where the C compiler takes it. The choice is part of cargo's
# fingerprint: whoever builds without sourcing this file rebuilds everything, so use it in every target.
# Kept as they are: RUSTFLAGS and flags for the target that are already set.
# KEFU_LINKER=mold|lld|default makes the choice by hand; afterwards it holds the choice made.

if [ "$(uname -s)" = Linux ]; then
    for kefu_try in mold lld; do
        [ "${KEFU_LINKER:-$kefu_try}" = "$kefu_try" ] || continue
        # Asks for the linker's version only: proves that the two fit, and writes no file. rustc links by `cc`.
        cc "-fuse-ld=$kefu_try" -Wl,--version >/dev/null 2>&1 || continue
        KEFU_LINKER=$kefu_try
        case $(uname -m) in
            x86_64)
                : "${CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS:=-C link-arg=-fuse-ld=$kefu_try}"
                export CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS
                ;;
            aarch64)
                : "${CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUSTFLAGS:=-C link-arg=-fuse-ld=$kefu_try}"
                export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUSTFLAGS
                ;;
        esac
    done
    unset kefu_try
fi
