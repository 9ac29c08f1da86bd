#!/bin/sh
# Run once by the PostgreSQL image: a role and a database of its own for every service.
set -eu
for service in customer ticketing quality survey notification; do
    psql -v ON_ERROR_STOP=1 -v name="kefu_$service" -v password="$KEFU_DB_PASSWORD" -U postgres <<'END'
create role :"name" login password :'password';
create database :"name" owner :"name" template template0 encoding 'UTF8' lc_collate 'C' lc_ctype 'C';
revoke connect on database :"name" from public;
END
done
