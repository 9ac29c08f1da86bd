#!/usr/bin/env bash
# Backs up one service (PostgreSQL and Kafka), or the suite's data folder, while it works.
#
#   backup.sh SERVICE FOLDER [--env FILE]       customer, ticketing, quality, survey or notification
#   backup.sh suite FOLDER [--with-secrets]     all databases and the event log of a suite on SQLite
#
# The settings are those of the service, from the environment or FILE (lines NAME=VALUE):
# KEFU__DATABASE__URL and what its program needs to reach Kafka; for the suite KEFU__DATA__DIR. Needs
# pg_dump or sqlite3, and for a service its program (kefu-SERVICE, in KEFU_BIN_DIR or on the PATH).
#
# How far the service has read is noted before its database is dumped: what was read by then has its
# effect in the dump, so that a restored service reads on from there and misses nothing. FOLDER must not
# exist; it is complete when it holds `manifest`. Keys for personal data are no part of a backup, and
# without them it is worth nothing: keep pii.keys and pii.index_key (suite: data/pii.key, data/issuer.key)
# elsewhere. --with-secrets puts the suite's into the backup all the same.
set -euo pipefail
# shellcheck source=local/lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/local/lib.sh"
usage='usage: backup.sh SERVICE|suite FOLDER [--env FILE] [--with-secrets]'

service=${1:-} folder=${2:-} secrets=no
[ -n "$service" ] && [ -n "$folder" ] || die "$usage"
shift 2
while [ $# -gt 0 ]; do
    case $1 in
        --env) read_settings "${2:?$usage}"; shift 2 ;;
        --with-secrets) secrets=yes; shift ;;
        *) die "$usage" ;;
    esac
done
umask 077
[ ! -e "$folder" ] || die "$folder is there already; name a new folder"
mkdir -p "$folder"

back_up_service() {
    local program url
    program=$(program_of "$service") url=$(database_url "$service")
    has pg_dump || need_package "pg_dump is missing" postgresql-client || exit 1
    "$program" offsets >"$folder/offsets"
    pg_dump --format=custom --no-owner --no-privileges --file="$folder/database.dump" "$url"
    pg_restore --list "$folder/database.dump" >/dev/null || die "the dump cannot be read"
    {
        echo "service $service"
        echo "program $("$program" --version)"
        echo "migrations $(pg_restore --data-only --table=seaql_migrations --file=- "$folder/database.dump" | grep -c '^m[0-9]')"
    } >"$folder/manifest.part"
}

back_up_suite() {
    local data=${KEFU__DATA__DIR:-./data} name
    has sqlite3 || need_package "sqlite3 is missing" sqlite3 || exit 1
    [ -f "$data/events.db" ] || die "$data holds no suite: there is no events.db"
    # Offsets first, then the services, the log last: it has all that any of them has sent.
    sqlite3 -readonly "$data/events.db" -separator ' ' \
        'select consumer_group, topic, position from group_offset' >"$folder/offsets"
    for name in customer ticketing quality survey notification events; do
        sqlite3 "$data/$name.db" ".timeout 30000" ".backup '$folder/$name.db'"
        [ "$(sqlite3 "$folder/$name.db" 'pragma integrity_check')" = ok ] || die "$name.db is damaged"
    done
    if [ "$secrets" = yes ]; then
        for name in pii.key issuer.key accounts.json; do
            [ ! -f "$data/$name" ] || cp -p "$data/$name" "$folder/$name"
        done
    fi
    echo "service suite" >"$folder/manifest.part"
}

started=$(date -u +%Y-%m-%dT%H:%M:%SZ)
if [ "$service" = suite ]; then back_up_suite; else back_up_service; fi
echo "started $started" >>"$folder/manifest.part"
(cd "$folder" && find . -type f ! -name 'manifest*' ! -name sums -printf '%P\n' | sort | xargs sha256sum >sums)
mv "$folder/manifest.part" "$folder/manifest"
log "$service is backed up in $folder ($(du -sh "$folder" | cut -f1))"
if [ "$secrets" = no ]; then log "the keys for personal data are not part of it: keep them elsewhere"; fi
