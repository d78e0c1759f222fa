#!/usr/bin/env bash
# Run a command where the images that the stack is built from exist: `with_base_images.sh COMMAND...`.
#
# They are pulled. Where the registry cannot be reached, Debian packages stand in for them under the same names, on this
# machine only: the Dockerfile's steps and the compose file are then proven, the real base images are not. The stand-ins
# keep what the stack relies on: python3 in the path; a server that takes flags, runs as uid 999 and owns /data;
# Prometheus as nobody. Grafana is in no Debian: its stand-in does nothing. Needs root and debootstrap, which is installed.
set -euo pipefail
work=${COMPOSE_RUN_DIR:-/tmp/selfref-compose-run}
python=python:3.11-slim-bookworm valkey=valkey/valkey:8.1-alpine prometheus=prom/prometheus:v3.5.0
grafana=grafana/grafana:12.0.2

# root_file_system SUITE PACKAGES: a minimal Debian as the image selfref-stand-in:SUITE.
root_file_system() {
    docker image inspect "selfref-stand-in:$1" >/dev/null 2>&1 && return
    local mirror
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep --max-count 1 '/debian/$')
    command -v debootstrap >/dev/null || DEBIAN_FRONTEND=noninteractive apt-get --quiet=2 install debootstrap
    debootstrap --variant=minbase --include="$2" "$1" "$work/roots/$1" "$mirror" >"$work/debootstrap-$1.log"
    tar --create --directory "$work/roots/$1" --exclude ./var/cache/apt --exclude ./var/lib/apt/lists . |
        docker import - "selfref-stand-in:$1" >/dev/null
    rm -r "${work:?}/roots/$1"
}

# stand_in IMAGE: the Dockerfile comes on standard input; the context holds this machine's certificates.
stand_in() {
    docker image inspect "$1" >/dev/null 2>&1 || docker build --quiet --tag "$1" --file - "$work/context" >/dev/null
}

available() {
    docker image inspect "$1" >/dev/null 2>&1 || docker pull --quiet "$1" >/dev/null 2>&1
}

if ! { available "$python" && available "$valkey" && available "$prometheus" && available "$grafana"; }; then
    echo "The image registry cannot be reached: Debian packages stand in for the base images." >&2
    mkdir -p "$work/roots" "$work/context"
    cp /etc/ssl/certs/ca-certificates.crt "$work/context"
    root_file_system bookworm python3,python3-venv,ca-certificates
    root_file_system trixie valkey-server,valkey-tools,prometheus,ca-certificates
    stand_in "$python" <<'DOCKERFILE'
FROM selfref-stand-in:bookworm
COPY ca-certificates.crt /etc/ssl/certs/
ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt
DOCKERFILE
    stand_in "$valkey" <<'DOCKERFILE'
FROM selfref-stand-in:trixie
RUN useradd --uid 999 stand-in && mkdir /data && chown 999 /data
VOLUME /data
WORKDIR /data
ENTRYPOINT ["valkey-server", "--protected-mode", "no"]
DOCKERFILE
    stand_in "$prometheus" <<'DOCKERFILE'
FROM selfref-stand-in:trixie
RUN mkdir /prometheus && chown nobody /prometheus
USER nobody
ENTRYPOINT ["prometheus"]
DOCKERFILE
    stand_in "$grafana" <<'DOCKERFILE'
FROM selfref-stand-in:trixie
USER nobody
ENTRYPOINT ["sleep", "infinity"]
DOCKERFILE
fi
exec "$@"
