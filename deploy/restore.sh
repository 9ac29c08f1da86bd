#!/usr/bin/env bash
# Restores what backup.sh saved, and lets the service catch up from the event log.
#
#   restore.sh SERVICE FOLDER [--env FILE] [--force] [--accept-gap] [--skip-numbers N]
#   restore.sh suite FOLDER [--only SERVICE] [--force]
#
# Stop every process of the service (the suite) first. Settings and programs as for backup.sh. A database
# that holds anything is replaced only with --force. Afterwards start the service: it reads again what came
# since the backup, from other services' events; its inbox knows what it has.
#   --accept-gap        go on although the event log no longer has all of that
#   --skip-numbers N    raise counters (ticket and customer numbers) by N: numbers given out since the
#                       backup are known to customers and must not come again. Needed for ticketing and
#                       customer; N is more than the numbers given out since.
#   --only SERVICE      of a suite's backup this one database; the others and the log stay as they are
# What comes back and what does not: deploy/OPERATIONS.md.
set -euo pipefail
# shellcheck source=local/lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/local/lib.sh"
usage='usage: restore.sh SERVICE|suite FOLDER [--env FILE] [--only SERVICE] [--force] [--accept-gap] [--skip-numbers N]'

service=${1:-} folder=${2:-} force=no gap=() skip='' only=''
[ -n "$service" ] && [ -n "$folder" ] || die "$usage"
shift 2
while [ $# -gt 0 ]; do
    case $1 in
        --env) read_settings "${2:?$usage}"; shift 2 ;;
        --force) force=yes; shift ;;
        --accept-gap) gap=(--accept-gap); shift ;;
        --skip-numbers) skip=${2:?$usage}; shift 2 ;;
        --only) only=${2:?$usage}; shift 2 ;;
        *) die "$usage" ;;
    esac
done
case $skip in *[!0-9]*) die "--skip-numbers takes a number, not '$skip'" ;; esac
saved() { sed -n "s/^$1 //p" "$folder/manifest"; }

[ -f "$folder/manifest" ] || die "$folder is no complete backup: it has no manifest"
[ "$(saved service)" = "$service" ] || die "$folder is a backup of $(saved service), not of $service"
(cd "$folder" && sha256sum --quiet --check sums) || die "$folder is damaged"

restore_service() {
    local program url server name tables
    case $service:$skip in
        ticketing: | customer:) die "give --skip-numbers: numbers given out since $(saved started) must not come again" ;;
    esac
    program=$(program_of "$service") url=$(database_url "$service")
    has pg_restore || need_package "pg_restore is missing" postgresql-client || exit 1
    name=${url##*/} name=${name%%\?*} server=${url%/*}/postgres
    if [ "$(psql -XqAt "$server" -c "select count(*) from pg_database where datname = '$name'")" = 0 ]; then
        psql -Xq "$server" -c "create database \"$name\" template template0 encoding 'UTF8' lc_collate 'C' lc_ctype 'C'"
    fi
    tables=$(psql -XqAt "$url" -c "select count(*) from pg_tables where schemaname = 'public'")
    if [ "$tables" != 0 ] && [ "$force" = no ]; then die "database $name holds $tables tables; --force replaces them"; fi
    # Before anything is changed: it refuses while the service runs, and by itself it does no harm.
    "$program" rewind --offsets "$folder/offsets" "${gap[@]}" >&2
    if [ "$tables" != 0 ]; then
        psql -Xq "$url" -v ON_ERROR_STOP=1 -c 'set client_min_messages = warning' -c 'drop schema public cascade' -c 'create schema public'
    fi
    pg_restore --exit-on-error --single-transaction --no-owner --no-privileges --dbname="$url" "$folder/database.dump"
    [ "$(psql -XqAt "$url" -c 'select count(*) from seaql_migrations')" = "$(saved migrations)" ] ||
        die "the restored database has not the $(saved migrations) migrations of the backup"
    [ -z "$skip" ] || psql -Xq "$url" -c "update counter set value = value + $skip"
    if [ "$service" = notification ]; then
        log "start it with KEFU__NOTIFICATION__SILENT_BEFORE at the time the lost database ended (RFC 3339), or people hear again what they were told since $(saved started)"
    fi
}

restore_suite() {
    local data=${KEFU__DATA__DIR:-./data} name names=(customer ticketing quality survey notification events)
    has sqlite3 || need_package "sqlite3 is missing" sqlite3 || exit 1
    if [ -n "$only" ]; then
        [ -f "$data/events.db" ] || die "there is no suite in $data; restore it whole"
        names=("$only")
    fi
    mkdir -p "$data"
    # The suite holds this lock while it runs.
    if has flock && [ -f "$data/.lock" ]; then
        exec 8<"$data/.lock"
        flock -n 8 || die "the suite runs on $data; stop it first"
    fi
    for name in "${names[@]}"; do
        [ -f "$folder/$name.db" ] || die "$folder holds no $name.db"
        [ ! -e "$data/$name.db" ] || [ "$force" = yes ] || die "$data/$name.db is there; --force replaces it"
    done
    for name in "${names[@]}"; do
        rm -f "$data/$name.db" "$data/$name.db-wal" "$data/$name.db-shm"
        cp "$folder/$name.db" "$data/$name.db"
    done
    for name in pii.key issuer.key accounts.json; do
        if [ -f "$folder/$name" ] && [ ! -f "$data/$name" ]; then cp -p "$folder/$name" "$data/$name"; fi
    done
    [ -f "$data/pii.key" ] || log "$data/pii.key is missing: put it back before the suite starts"
    # Back to what had been read when the databases were copied.
    local group topic position statements=''
    while read -r group topic position; do
        if [ -z "$only" ] || [ "$group" = "kefu-$only" ]; then
            statements+="insert or replace into group_offset (consumer_group, topic, position) values ('$group', '$topic', $position);"
        fi
    done <"$folder/offsets"
    if [ -n "$only" ]; then statements="delete from group_offset where consumer_group = 'kefu-$only';$statements"; fi
    sqlite3 -bail "$data/events.db" "begin;$statements commit;"
    if [ -n "$skip" ]; then
        for name in "${names[@]}"; do
            [ "$name" = events ] || sqlite3 "$data/$name.db" "update counter set value = value + $skip"
        done
    fi
}

if [ "$service" = suite ]; then restore_suite; else restore_service; fi
log "$service is restored from $(saved started); start it, and it catches up"
