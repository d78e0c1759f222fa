#!/usr/bin/env bash
# What Docker Compose itself makes of docker-compose.yml: `make compose-check`. No engine is needed.
#
# Every combination of profiles must be accepted with a key, none without one, and .env.example must be readable.
set -euo pipefail
cd "$(dirname "$0")/../.."
env=$(mktemp)
trap 'rm -f "$env"' EXIT
sed 's/^SELFREF_SERVICE_API_KEYS=$/&run:0/' .env.example >"$env"

for profiles in '' cpu gpu train metrics cpu,train cpu,metrics gpu,metrics cpu,train,metrics gpu,train,metrics; do
    COMPOSE_PROFILES=$profiles docker compose --env-file "$env" config --quiet
    echo "profiles '$profiles': $(COMPOSE_PROFILES=$profiles docker compose --env-file "$env" config --services | sort | tr '\n' ' ')"
done

if refusal=$(docker compose --env-file .env.example config --quiet 2>&1); then
    echo "the stack would start without an API key" >&2
    exit 1
fi
grep --quiet 'make .env' <<<"$refusal" || { echo "the refusal does not say what to do: $refusal" >&2; exit 1; }
echo "without a key: $refusal"
