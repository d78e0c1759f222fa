# Targets for the images and docker-compose.yml; the Makefile includes this file. docs/compose.md is the user's page.
PROMTOOL ?= promtool
DCLINT := build/dclint/node_modules/dclint/bin/dclint.cjs

.PHONY: lint-docker alerts-check compose-check compose-run-cpu

.env: ## write .env with a fresh API key, for docker compose
	docker/new-env.sh

lint-docker: install $(DCLINT)
	$(BIN)/hadolint docker/Dockerfile
	$(BIN)/node $(DCLINT) --config docker/lint/dclint.json --max-warnings 0 docker-compose.yml

# The linter exists for Node only. Node itself comes from the dev extra, so a machine needs nothing but Python.
$(DCLINT): docker/lint/package.json docker/lint/package-lock.json | $(INSTALLED)
	mkdir -p build/dclint
	cp docker/lint/package.json docker/lint/package-lock.json build/dclint
	PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --prefix build/dclint --no-audit --no-fund --loglevel error
	@touch $@

alerts-check: ## what promtool makes of the alerts, and whether they fire when they should (PROMTOOL=)
	$(PROMTOOL) check rules docker/alerts.yml
	$(PROMTOOL) test rules tests/docker/alerts_test.yml

compose-check: ## what Docker Compose itself makes of docker-compose.yml, for every profile
	tests/docker/with_compose.sh tests/docker/check_compose.sh

# Docker, the plugin and the base images are made available where they are missing: see the three scripts.
compose-run-cpu: install ## build the images and run the cpu profile for real (minutes, and 6 GB of disk)
	tests/docker/with_compose.sh tests/docker/with_engine.sh tests/docker/with_base_images.sh \
		$(CURDIR)/$(BIN)/python tests/docker/run_cpu.py
