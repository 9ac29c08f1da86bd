#!/usr/bin/env bash
# A mail sink for tests and local runs: takes every mail by SMTP and keeps it in a Maildir; sends nothing on.
#
#   smtp.sh start|stop|status|clean [--dir DIR] [--port PORT]
#
# start prints `export KEFU_TEST_SMTP=HOST:PORT` and `export KEFU_TEST_MAILDIR=DIR/mail` and nothing else
# on standard output; started twice, it only prints. clean stops it and removes the mails. Listens on
# KEFU_LISTEN (127.0.0.1). aiosmtpd comes by pip once, into a venv under ${KEFU_CACHE:-~/.cache/kefu}.
# Default DIR: .local/smtp of the repository.
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
default_dir=$here/../../.local/smtp
venv=$cache/aiosmtpd-$AIOSMTPD_VERSION

# The last step leaves `complete`: a half-made venv, or one whose Python has gone, is made anew.
venv_works() { [ -f "$venv/complete" ] && "$venv/bin/python" -c 'import aiosmtpd' 2>/dev/null; }

make_venv() {
    if venv_works; then return 0; fi
    mkdir -p "$cache"
    if has flock; then exec 8>"$venv.lock"; flock -w 300 8 || die "another run does not finish $venv"; fi
    if ! venv_works; then
        if ! has python3 || ! python3 -c 'import ensurepip' 2>/dev/null; then
            need_package "Python's venv module is missing" python3 python3-venv || exit 1
        fi
        log "making $venv (once)"
        rm -rf "$venv"
        python3 -m venv "$venv" >&2
        "$venv/bin/python" -m pip install -q --disable-pip-version-check \
            "aiosmtpd==$AIOSMTPD_VERSION" "atpublic==$ATPUBLIC_VERSION" "attrs==$ATTRS_VERSION" >&2
        : >"$venv/complete"
    fi
    if has flock; then exec 8>&-; fi # or the server would keep the lock
}

start() {
    open_dir
    local p mark=$dir/mail
    if running "$mark"; then
        p=$(cat "$dir/port")
        check_port "$p"
    else
        make_venv
        p=$(choose_port "$dir/port" "$port")
        spawn "$dir/log" env PYTHONPATH="$here/smtp" PYTHONDONTWRITEBYTECODE=1 "$venv/bin/python" -m aiosmtpd -n -l "$address:$p" -c sink.Sink "$dir/mail"
        wait_ready 30 "$mark" "$dir/log" listening "$p"
        log "mail sink on $address:$p, mails in $dir/mail"
    fi
    echo "export KEFU_TEST_SMTP=$address:$p"
    printf 'export KEFU_TEST_MAILDIR=%q\n' "$dir/mail"
}

stop() {
    [ -d "$dir" ] || return 0
    open_dir
    stop_process "$dir/mail"
}

status() {
    if [ -d "$dir" ] && dir=$(cd -- "$dir" && pwd -P) && running "$dir/mail"; then
        log "runs on $address:$(cat "$dir/port"), process $pid, mails in $dir/mail"
    else
        log "not running"
        return 3
    fi
}

clean() {
    stop
    rm -rf "$dir/mail" "$dir/log" "$dir/log.1"
}

command=${1:-}
case $command in
    start | stop | status | clean) shift; parse_args "$@"; "$command" ;;
    *) die "usage: smtp.sh start|stop|status|clean [--dir DIR] [--port PORT]" ;;
esac
