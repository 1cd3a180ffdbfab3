# Every target sets up what it needs by itself. The environment lives in .venv.
SHELL := /bin/bash
VENV ?= .venv
# The first Python of at least 3.12 that really runs (a pyenv shim may exist and still refuse).
PYENV := $(or $(PYENV_ROOT),$(shell pyenv root 2>/dev/null),$(HOME)/.pyenv)
CANDIDATES = python3.13 python3.12 python3 $(wildcard $(PYENV)/versions/3.1[2-9]*/bin/python3)
FIND = for p in $(CANDIDATES); do if $$p -c 'import sys; sys.exit(sys.version_info < $(1))' 2>/dev/null; then echo $$p; break; fi; done
PYTHON ?= $(shell $(call FIND,(3, 12)))
BIN = $(VENV)/bin
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1

.PHONY: run app test bench validate lint heads campaign clean

run: $(VENV)/.ready            ## the main job: 2025 in Yunnan, day by day, into results/base_2025
	$(BIN)/gridgig run configs/scenarios/base_2025.yaml

app: $(VENV)/.ready            ## the live view of the toy world, in a browser on this machine; SCENARIO=... for another
	$(BIN)/gridgig app $(SCENARIO)

test: $(VENV)/.dev             ## everything that must hold, in a few minutes
	$(BIN)/python -m pytest -n auto --maxprocesses 8 --dist loadfile

bench: $(VENV)/.dev            ## speed and size, side by side with peers; figures in benchmarks/results
	$(BIN)/python -m benchmarks.clearing
	$(BIN)/python -m benchmarks.hourly
	$(BIN)/python -m benchmarks.year
	$(BIN)/python -m benchmarks.commitment
	$(BIN)/python -m benchmarks.sweep
	$(BIN)/python -m benchmarks.retail
	$(BIN)/python -m benchmarks.tracing
	$(BIN)/python -m benchmarks.pools
	$(BIN)/python -m benchmarks.audit
	$(BIN)/python -m benchmarks.riders

validate: $(VENV)/.ready       ## the history, 2021 to 2026-11, for three seeds against published figures
	$(BIN)/gridgig validate

lint: $(VENV)/.dev
	$(BIN)/ruff check .

campaign: $(VENV)/.dev         ## what is too long for `make test`
	$(BIN)/python -m pytest -n auto --maxprocesses 8 -m campaign

heads:                         ## the same run on Python 3.12 and 3.13 must have the same fingerprint
	@mkdir -p results; set -e; for v in 3.12 3.13; do \
	  python=$$(for p in python$$v $(PYENV)/versions/$$v*/bin/python3; do \
	    if $$p -c 'import sys; sys.exit("%d.%d" % sys.version_info[:2] != "'$$v'")' 2>/dev/null; then echo $$p; break; fi; done); \
	  if [ -z "$$python" ]; then echo "Python $$v is not on this machine: skipped"; continue; fi; \
	  $(MAKE) --no-print-directory VENV=.venv-$$v PYTHON=$$python .venv-$$v/.ready; \
	  .venv-$$v/bin/gridgig run $(or $(SCENARIO),configs/scenarios/base_2025.yaml) --out results/heads/$$v --quiet; \
	  echo "$$v $$(grep '^head:' results/heads/$$v/run.yaml)"; \
	done | tee results/heads.txt; \
	test "$$(grep -o 'head: .*' results/heads.txt | sort -u | wc -l)" = 1 && echo "same head on every version" \
	  || { echo "the heads differ"; exit 1; }

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "no Python >= 3.12 found: install one, or say make PYTHON=/path/to/python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.ready: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install -qq --disable-pip-version-check --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.ready
	$(BIN)/python -m pip install -qq --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

clean:
	rm -rf .venv .venv-3.* results build *.egg-info
