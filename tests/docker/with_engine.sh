#!/usr/bin/env bash
# Run a command where a Docker Engine answers: `with_engine.sh COMMAND...`.
#
# Where none does, Debian's own (package docker.io) is installed and started for the command alone, with its socket and
# its data under the working folder, and stopped afterwards. That needs root.
set -euo pipefail
work=${COMPOSE_RUN_DIR:-/tmp/selfref-compose-run}

if docker info >/dev/null 2>&1; then
    exec "$@"
fi
if [[ $EUID -ne 0 ]] || ! command -v apt-get >/dev/null; then
    echo "No Docker Engine answers, and only root on Debian or Ubuntu can have one started here" >&2
    exit 1
fi
if ! command -v dockerd >/dev/null; then
    apt-get --quiet=2 update
    DEBIAN_FRONTEND=noninteractive apt-get --quiet=2 install --no-install-recommends docker.io iptables
fi

mkdir -p "$work/engine"
export DOCKER_HOST=unix://$work/engine/docker.sock
dockerd --host "$DOCKER_HOST" --data-root "$work/engine/data" --exec-root "$work/engine/exec" \
    --pidfile "$work/engine/pid" >"$work/engine/log" 2>&1 &
engine=$!
trap 'kill "$engine" && wait "$engine" || true' EXIT
for _ in {1..120}; do
    docker info >/dev/null 2>&1 && break
    kill -0 "$engine" 2>/dev/null || { tail -n 20 "$work/engine/log" >&2; exit 1; }
    sleep 0.5
done
"$@"
