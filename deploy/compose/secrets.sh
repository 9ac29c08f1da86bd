#!/usr/bin/env bash
# Makes deploy/.env with fresh passwords and keys for compose.yaml. One that is there stays as it is: data
# that was sealed with its keys can be read with no others.
set -euo pipefail
file=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)/.env
if [ -e "$file" ]; then
    echo "secrets: $file is there and stays as it is" >&2
    exit 0
fi
random() { head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n'; }
umask 077
for name in KEFU_PII_KEY KEFU_PII_INDEX_KEY KEFU_DB_PASSWORD KEFU_DB_ADMIN_PASSWORD KEFU_KEYCLOAK_PASSWORD \
    KEFU_ADMIN_PASSWORD KEFU_PARTNER_SECRET KEFU_GRAFANA_PASSWORD; do
    echo "$name=$(random)"
done >"$file.part"
mv "$file.part" "$file"
echo "secrets: wrote $file" >&2
