# The doors of this repository. Each target does all set-up that it needs; `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup demo test lint unit interop incluster image bench lock clean
ARGS ?=

help: ## Show the targets.
	@sed -nE 's/^([a-z]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16
	@echo '  ARGS="..." is handed to what the target runs: make demo ARGS=--no-keep, make unit ARGS="-k gate"'

setup: .venv/.ready ## Make .venv with the locked packages.
	@:

.venv/.ready: requirements.lock pyproject.toml .ci/uv.lock .ci/setup
	@.ci/setup

demo: setup ## Play the demo's story on real parts on this machine; ARGS=--in-cluster: on the chart's installation, all in pods.
	@$(if $(filter --in-cluster,$(ARGS)),.venv/bin/python -m tests.interop.pods.demo,.venv/bin/towpath demo) $(ARGS)

test: setup ## Run every check: lint, types, layers, unit, flow and integration tests.
	@.ci/test all $(ARGS)

lint: setup ## Run ruff, mypy and import-linter only.
	@.ci/test lint

unit: setup ## Run the unit tests only.
	@.venv/bin/pytest tests/unit -n auto --dist worksteal $(ARGS)

interop: setup ## Try evidence with the real cosign, the door with a real Gitea, Prefect servers on PostgreSQL and Redis, signing in, and a delivery of Towpath itself (not part of `make test`: the first time builds all of them).
	@.venv/bin/python -m tests.interop.programs
	@.venv/bin/pytest tests/interop --ignore=tests/interop/incluster $(ARGS)
	@test -n "$(ARGS)" || $(MAKE) --no-print-directory incluster

incluster: setup ## Build the images, install them in a Kubernetes with pods of its own, take a release through it, play the demo's acts, let Towpath upgrade itself, and let parts of it fail (root; the last part of `make interop`).
	@.venv/bin/python -m tests.interop.pods.prepare
	@.venv/bin/pytest tests/interop/incluster $(ARGS)

image: setup ## Build the images of server, agent and build agent with a Docker Engine, and list what is in each.
	@.venv/bin/python -m tools.image $(ARGS)

bench: setup ## Measure: how fast verbs start, health of 10,000 objects, `towpath check` of 300 apps, its traps, where a delivery's time goes, a sync of 2,000 objects, signatures, and drift (after `make demo`).
	@.venv/bin/python benchmarks/start.py
	@.venv/bin/python benchmarks/health.py
	@.venv/bin/python benchmarks/check.py
	@.venv/bin/python benchmarks/check.py --traps
	@.venv/bin/python -m benchmarks.watch
	@.venv/bin/python -m benchmarks.evidence
	@.venv/bin/python -m benchmarks.drift
	@.venv/bin/python benchmarks/path.py $(ARGS)
	@.venv/bin/python -m benchmarks.sync

lock: setup ## Resolve the dependencies of pyproject.toml anew.
	@.venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --extra local --extra server --group dev \
	  --no-emit-index-url --no-annotate -o requirements.lock pyproject.toml

clean: ## Remove what was made in this folder; programs and data of the local stack stay.
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
