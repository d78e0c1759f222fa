#!/usr/bin/env bash
# Run a command where `docker compose` works: `with_compose.sh COMMAND...`.
#
# Where the plugin is missing, Debian 13's package of it is unpacked (not installed) from the mirror that this machine
# already uses; it runs on Debian 12 and newer. Nothing outside the working folder changes.
set -euo pipefail
work=${COMPOSE_RUN_DIR:-/tmp/selfref-compose-run}

if ! docker compose version >/dev/null 2>&1; then
    command -v apt-get >/dev/null || { echo "Docker Compose v2 is not installed here, and there is no apt" >&2; exit 1; }
    plugins=$work/docker-config/cli-plugins
    if [[ ! -x $plugins/docker-compose ]]; then
        mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep --max-count 1 '/debian/$')
        mkdir -p "$work/apt/lists/partial" "$work/apt/archives/partial" "$plugins"
        echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main" >"$work/apt/sources.list"
        trixie=(-o Dir::Etc::sourcelist="$work/apt/sources.list" -o Dir::Etc::sourceparts=- -o APT::Sandbox::User=root
            -o Dir::State::lists="$work/apt/lists" -o Dir::Cache="$work/apt")
        apt-get "${trixie[@]}" --quiet=2 update
        (cd "$work/apt" && apt-get "${trixie[@]}" --quiet=2 download docker-compose)
        dpkg-deb --fsys-tarfile "$work"/apt/docker-compose_*.deb |
            tar --extract --directory "$plugins" --strip-components 5 ./usr/libexec/docker/cli-plugins/docker-compose
    fi
    export DOCKER_CONFIG=$work/docker-config
fi
exec "$@"
