# What a contributor runs. Each target makes what it needs: Python 3.11 or newer, make and a package network are enough.

# pytest and tools/services decide by it whether a test that cannot run is a skip or a failure.
export CI

PYTEST = .venv/bin/python -m pytest
FAST   = tests/unit tests/property tests/architecture tests/docs

# To count what is covered takes as long again as the tests that run the river, so it is counted where they do not.
COVERED = tests/unit tests/property tests/architecture tests/docs/test_docs.py

# Repeat a random sample: make test SEED=12345. Pass options to the benchmark: make bench BENCH=--quick
SAMPLE = $(if $(SEED),--seed=$(SEED))

# Tests side by side, each process with servers of its own, one process more than cores, for some tests wait. The tests of
# a file stay together, for they share what is brought in once; in their order, so that long files do not come last.
CORES  = $(shell getconf _NPROCESSORS_ONLN)
BESIDE = --numprocesses=$$(( $(CORES) + 1 )) --maxprocesses=4 --dist=loadfile --no-loadscope-reorder

# What writes and reads SQL of ours: a seventh of it, drawn, is tried on the oldest PostgreSQL too; by test-long all.
OLDEST = tests/integration/river tests/integration/store tests/integration/test_*.py tests/connectors/test_sync*.py

# What only tests need, made side by side: much of it is waiting for the network.
FOR_TESTS = .venv-odcs/.installed .venv-client/.installed .venv-warehouses/.installed services

# Where the tests find the linter of the ODCS documents that we export.
export HEADWATER_DATACONTRACT = $(CURDIR)/.venv-odcs/bin/datacontract

# What makes a client from our OpenAPI document, which the tests then use.
export HEADWATER_CLIENT = $(CURDIR)/.venv-client/bin/python

# Where the connectors of warehouses are tried, on what stands in for their servers.
export HEADWATER_WAREHOUSES = $(CURDIR)/.venv-warehouses/bin/python

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: .venv/.installed  ## nasty files to figures that can be traced, in a database of its own, in minutes
	.venv/bin/headwater demo

test-fast: .venv/.installed  ## tests that need no server: seconds to a minute or two
	$(PYTEST) $(FAST) -m "not slow"

test: for-tests  ## what needs no server, and of the rest a random sample
	$(PYTEST) $(BESIDE) --one-long-in=5 $(SAMPLE) $(COVERED) --cov
	$(PYTEST) $(BESIDE) --faults=sample --one-long-in=5 --one-file-in=5 $(SAMPLE) --durations=15 $(addprefix --ignore=,$(COVERED))
	$(PYTEST) $(BESIDE) --postgres=installed --one-file-in=7 $(SAMPLE) $(OLDEST) -m "server and not faults and not slow"

test-long: for-tests  ## the same with every fault injected and many more examples
	$(PYTEST) --faults=full --hypothesis-profile=long $(SAMPLE) --timeout=3600
	$(PYTEST) --faults=full --postgres=installed $(SAMPLE) --timeout=3600 -m server

check: .venv/.installed  ## style, types and layers
	.venv/bin/ruff format --check
	.venv/bin/ruff check
	.venv/bin/mypy
	.venv/bin/lint-imports

bench: .venv/.installed .venv-bench/.installed  ## the river beside psql, dlt and validators, in one run; wants an idle machine
	.venv-bench/bin/python -m bench.run $(BENCH)

bench-api: .venv/.installed  ## the HTTP interface under load, beside plain SQL; wants wrk and an idle machine
	.venv/bin/python -m bench.api $(BENCH)

for-tests: .venv/.installed  # first, for where Python lacks what makes environments, that installs it
	@$(MAKE) --no-print-directory --jobs=3 $(FOR_TESTS)

services:  ## install the servers that tests need, as far as this machine allows, and say so
	@tools/services

clean:  ## remove the environments and whatever tools left behind
	rm -rf .venv .venv-* .services .coverage headwater-demo .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

.venv/.installed: requirements.lock pyproject.toml tools/environment
	@tools/environment .venv requirements.lock --editable

# The competitors of the benchmark are no dependencies of ours.
.venv-bench/.installed: bench/requirements.lock tools/environment
	@tools/environment .venv-bench bench/requirements.lock

# datacontract-cli lints what we export as ODCS; its dependencies would hold ours back, so that it lives apart.
.venv-odcs/.installed: tools/odcs.lock tools/environment
	@tools/environment .venv-odcs tools/odcs.lock

# The generator of clients brings a formatter and a parser of its own.
.venv-client/.installed: tools/client.lock tools/environment
	@tools/environment .venv-client tools/client.lock

# The clients of warehouses bring 40 packages, and what stands in for Snowflake another version of sqlglot.
.venv-warehouses/.installed: tools/warehouses.lock tools/environment
	@tools/environment .venv-warehouses tools/warehouses.lock

.PHONY: help demo test test-fast test-long check bench bench-api for-tests services clean
