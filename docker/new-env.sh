#!/usr/bin/env bash
# Write .env from .env.example with a fresh API key for the tenant `default`, and print the key.
#
# Only the key's SHA-256 is written, so this is the one time that the key can be seen. An existing .env is left alone.
set -euo pipefail
cd "$(dirname "$0")/.."

if [[ -e .env ]]; then
    echo ".env is there already; remove it first to make a new one" >&2
    exit 1
fi

sha256() {
    if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -d ' ' -f 1
}

key=selfref-$(head -c 24 /dev/urandom | base64 | tr '+/' '-_')
digest=$(printf %s "$key" | sha256)
umask 077
sed "s/^SELFREF_SERVICE_API_KEYS=$/SELFREF_SERVICE_API_KEYS=default:$digest/" .env.example >.env

cat <<MESSAGE
Wrote .env. The API key of tenant "default", shown this once:

    $key

Send it as "Authorization: Bearer <key>".
MESSAGE
