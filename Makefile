# `make` lists the targets. Everything is installed into .venv, and goes with it (`make clean`).

VENV := .venv
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
GOOD := examples/digits/digits.keras
REGRESSED := examples/digits/digits-regressed.keras
GATE := $(BIN)/pytest thresholds.yaml --confmat-model

QUICK := tests/policy tests/evidence $(wildcard tests/test_verdict*.py) \
	$(addprefix tests/test_,assertions.py changes.py decimals.py interrupts.py \
	limits.py matrix.py measuring.py metrics.py reprs.py sparse_counts.py threads.py writing.py) \
	--ignore tests/evidence/test_simulation.py
PYTEST_ARGS ?= -n 2 --dist worksteal
SECONDS ?= 60

# Which Python makes the environment: the one that PYTHON=... names, else the first that will do.
# TensorFlow has wheels for 3.13 at most, so a newer one is taken only if it is named.
ifdef PYTHON
PYTHONS := '$(PYTHON)'
FITS := import sys; sys.exit(sys.version_info < (3, 11))
else
PYTHONS := python3 python3.13 python3.12 python3.11
FITS := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
endif

.PHONY: help venv gate gate-red test test-extras quick coverage wheel changelog lint lint-js format types digits fuzz evidence screenshots bench clean
.DEFAULT_GOAL := help

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

venv: $(VENV)/.created ## Create the environment, .venv, with Python 3.11 to 3.13 (or PYTHON=...)

gate: $(VENV)/.gate ## Gate the shipped digits model: green
	$(GATE) $(GOOD)
	@echo
	@echo 'All limits passed. A worse model is blocked; see for yourself (or: make gate-red):'
	@echo
	@echo '  $(GATE) $(REGRESSED)'

gate-red: $(VENV)/.gate ## Gate a worse model: red, and that is what is expected
	@echo '$(GATE) $(REGRESSED)'
	@$(GATE) $(REGRESSED); status=$$?; echo; \
	if [ $$status -eq 1 ]; then echo 'Exit status 1: this model is not released.'; \
	else echo "Exit status $$status, and 1 was expected." >&2; exit 1; fi

test: $(VENV)/.dev lint types ## Lint, check types and run the whole suite (PYTEST_ARGS="-n 2 ...")
	$(BIN)/pytest $(PYTEST_ARGS) --durations 10 --ignore tests/extras

test-extras: $(VENV)/.extras lint-js ## Run what needs a browser or another runtime; what is missing is skipped, and said
	$(BIN)/pytest $(PYTEST_ARGS) -rs tests/extras

quick: $(VENV)/.dev ## Run the tests that need no TensorFlow: policy, numbers, verdicts, reports
	$(BIN)/pytest -q -n 2 --hypothesis-profile=quick $(QUICK)

coverage: $(VENV)/.dev ## Run the core suite and say which lines it does not reach; there is a floor
	$(BIN)/pytest -q $(PYTEST_ARGS) --cov --cov-report term:skip-covered --ignore tests/extras

wheel: $(VENV)/.dev ## Build sdist and wheel into dist, install the wheel alone, and gate with it (EXTRAS=cpu,plot)
	rm -rf dist
	$(BIN)/python .ci/wheel.py --out dist $(if $(EXTRAS),--extras $(EXTRAS))

changelog: $(VENV)/.dev ## Show what changelog.d comes to; a release moves it into CHANGELOG.md
	@$(BIN)/towncrier build --draft --version next

lint: $(VENV)/.dev ## Check style, formatting and who imports whom
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports --no-logo

lint-js: ## Check style and types of the page's scripts; needs npm
	@if command -v npm >/dev/null; then \
		npm install --no-package-lock --no-audit --no-fund --silent && npm run --silent lint && npm run --silent types; \
	else echo 'SKIPPED: the scripts of the page are not checked: install Node.js with npm' >&2; fi

format: $(VENV)/.dev ## Fix style and formatting where that can be done automatically
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

types: $(VENV)/.dev ## Check types
	$(BIN)/mypy

digits: $(VENV)/.dev ## Make the digits example anew: images, shards, models
	rm -rf examples/digits/test examples/digits/tfrecord
	$(BIN)/python examples/digits/make.py --out examples/digits

fuzz: $(VENV)/.fuzz ## Fuzz all that reads files, 60 seconds each (FUZZ="image shard" SECONDS=600)
	@for target in $${FUZZ:-$$($(BIN)/python -m fuzz.run | cut -d ' ' -f 1)}; do \
		echo "Fuzzing $$target for $(SECONDS) seconds"; \
		$(BIN)/python -m fuzz.run $$target --seconds $(SECONDS) || exit 1; \
	done

evidence: $(VENV)/.dev ## Simulate how often the gate is wrong; renew docs/evidence.md
	$(BIN)/python -m benchmarks.evidence --json benchmarks/evidence.json --docs docs/evidence.md
	$(BIN)/python docs/images/evidence.py

screenshots: $(VENV)/.extras ## Take the pictures of the report for the docs anew; needs Chromium
	$(BIN)/python docs/images/report.py

bench: $(VENV)/.bench ## Measure speed beside others and the limit; renew docs/performance.md (BENCH="--repeats 5")
	$(BIN)/python -m benchmarks.bench --json benchmarks/performance.json --docs docs/performance.md $(BENCH)

clean: ## Remove the environment, caches and reports
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist report
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.created:
	@found=; tried=; for python in $(PYTHONS); do \
		if "$$python" -c '$(FITS)' 2>/dev/null; then found=$$python; break; fi; \
		tried="$$tried; $$python: $$("$$python" --version 2>/dev/null || echo does not run)"; \
	done; \
	if [ -z "$$found" ]; then \
		echo "Python 3.11, 3.12 or 3.13 is needed, and none was found$$tried" >&2; \
		echo 'Install one, or name it: make PYTHON=/path/to/python3.12 ...' >&2; exit 1; \
	fi; \
	echo "Creating $(VENV) with $$found, $$("$$found" --version)"; \
	"$$found" -m venv --clear $(VENV)
	@touch $@

# Each stamp is older than pyproject.toml exactly when an installation is due.
$(VENV)/.gate: pyproject.toml | $(VENV)/.created
	@echo 'Installing pytest-confmat with TensorFlow; this takes a few minutes'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[cpu,plot]'
	@touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/.created
	@echo 'Installing pytest-confmat with TensorFlow and all that its tests need; this takes a few minutes'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ $(VENV)/.gate

$(VENV)/.extras: pyproject.toml | $(VENV)/.created
	@echo 'Installing pytest-confmat with TensorFlow and what drives a browser; this takes a few minutes'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,test-extras]'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps \
		"tf-keras==$$($(BIN)/python -m pip list | sed -nE 's/^tensorflow(-cpu|_cpu)? +([0-9]+\.[0-9]+).*/\2/p' | head -n 1).*"
	@touch $@ $(VENV)/.dev $(VENV)/.gate

$(VENV)/.fuzz: pyproject.toml | $(VENV)/.created
	@echo 'Installing pytest-confmat with TensorFlow and atheris; this takes a few minutes'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[fuzz]'
	@touch $@ $(VENV)/.gate

# torchmetrics is one of those that are measured, and left out where it cannot be installed.
$(VENV)/.bench: pyproject.toml | $(VENV)/.created
	@echo 'Installing pytest-confmat with TensorFlow and what it is measured against; this takes a few minutes'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]' \
		|| echo 'torchmetrics could not be installed, and is left out'
	@touch $@ $(VENV)/.dev $(VENV)/.gate
