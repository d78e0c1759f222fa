# Every target makes what it needs: `make demo` and `make check` work in a fresh clone.
# On a machine without a GPU, TORCH_INDEX=<PyTorch's CPU wheel index> keeps pip from fetching CUDA.
PYTHON ?= python3
TORCH_INDEX ?=
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help install up demo check lint types boundaries test long loop chaos chaos-proof fmt bench bench-jobs ablation judge clean

help: ## list the targets
	@grep -hE '^[a-z.-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

install: $(INSTALLED) ## make .venv with everything

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Selfref needs Python 3.11 or newer; set PYTHON=")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) --editable '.[dev]'
	@touch $@

up: install ## start the local stack on this machine
	$(BIN)/selfref up

demo: install ## judge 200 pairs with gold answers, then train a policy on such verdicts: the whole way, in minutes
	$(BIN)/selfref demo
	$(BIN)/python -m littleworld.loop --short --out build/loop-short

loop: install ## the closed loop: weak policy, labels, reward model, PPO, over-optimisation, second round; into loop/
	$(BIN)/python -m littleworld.loop --out loop

check: lint types boundaries test ## everything that must be green

lint: install lint-docker
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install
	$(BIN)/mypy

boundaries: install
	$(BIN)/lint-imports

test: install
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadfile

long: install ## the tests that take minutes: whole files of real pairs
	$(BIN)/pytest -m long

chaos: install ## kill, freeze and starve everything, by seed: SEED=1 MINUTES=30 [SCHEDULES=100]
	$(BIN)/python -m tests.chaos --minutes $(or $(MINUTES),5) $(if $(SEED),--seed $(SEED)) $(if $(SCHEDULES),--schedules $(SCHEDULES))

chaos-proof: install ## break each promise on purpose; the checker of the chaos suite must object (minutes)
	$(BIN)/python -m tests.chaos.breakages

fmt: install ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: install ## what the service costs around the engine's own time
	$(BIN)/selfref bench overhead

bench-jobs: install ## uploads, memory, queue, recovery and fairness of jobs; six minutes
	$(BIN)/selfref bench jobs

ablation: install ## what a reference is worth to the bundled judge, on questions it has never seen
	$(BIN)/selfref bench agreement --world heldout --pairs 600 --seed 1

judge: install ## train the bundled judge from nothing into build/judge; an hour on one core
	OMP_WAIT_POLICY=passive $(BIN)/python -m littleworld.train --out build/judge --threads 1

clean: ## remove the environment and all caches
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

include docker/docker.mk
