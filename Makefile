# Everything here runs in .venv and .tools, which git ignores; nothing is installed on the machine.

# The Python that makes .venv; empty: the first suitable one on PATH (scripts/python).
PYTHON ?=
# E2E=0 leaves out the tests that need real servers, and says so.
export E2E ?= 1
# required: compose-test fails, and not only says so, where no Docker engine can be started.
COMPOSE_TEST ?= wanted
# shipped: compose-test runs the demo with all of its history, and tells how long that takes.
COMPOSE_DEMO ?= small
# Further arguments of pytest, of the demo, and of render.
PYTEST_ARGS ?=
DEMO_ARGS ?=
RENDER_ARGS ?=

BIN := .venv/bin
# A process for each core, and one; the tests of a file stay together, for what they set up is shared.
PYTEST := $(BIN)/python -m pytest --numprocesses=auto --dist=loadfile --no-loadscope-reorder
PIP_INSTALL := $(BIN)/python -m pip install -qq --disable-pip-version-check --constraint constraints.txt

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test lint unit bench backtest soak quiet compose-test servers docs dashboards \
	render screenshots lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: .venv/run ## start a simulator and the exporter against it, without any key
	@$(BIN)/claude-cost-exporter demo $(DEMO_ARGS)

test: servers lint ## run every check and test (E2E=0: without real servers)
	$(PYTEST) $(PYTEST_ARGS)

lint: .venv/dev ## style, types and layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: .venv/dev ## the tests that need no servers
	E2E=0 $(PYTEST) $(PYTEST_ARGS)

bench: .venv/dev ## measure; fails when a ratio or a memory target is missed
	$(BIN)/python -m benchmarks

backtest: .venv/dev ## replay simulated organisations; fails when forecasts or alarms miss a bound
	$(BIN)/python -m backtest

soak: servers .venv/dev ## five simulated days in eleven variations, and every rule changed (9 minutes)
	SOAK=1 $(BIN)/python -m pytest tests/e2e/test_five_days.py tests/rules/test_margins.py $(PYTEST_ARGS)

quiet: servers .venv/dev ## three quiet months, in which alerts must be as rare as is said (10 minutes)
	QUIET_SEEDS="1 2 3" $(BIN)/python -m pytest tests/e2e/test_quiet.py $(PYTEST_ARGS)

compose-test: .venv/dev servers ## build and run docker-compose.yml in an engine of its own (root, Debian)
	COMPOSE_TEST=$(COMPOSE_TEST) COMPOSE_DEMO=$(COMPOSE_DEMO) $(BIN)/python -m pytest -rs tests/compose/test_stack.py $(PYTEST_ARGS)

servers: .venv/bin/python ## bring real Prometheus and Alertmanager servers into .tools
	@$(BIN)/python -m scripts.servers

docs: .venv/dev ## write the generated parts of the documentation
	$(BIN)/python -m docs.generate

dashboards: .venv/dev ## write the Grafana dashboards from grafana/source
	$(BIN)/python -m grafana.source

render: .venv/dev servers ## draw every dashboard from a real Prometheus; fails when a panel is empty (needs npm)
	@$(BIN)/python -m tests.render $(RENDER_ARGS)

screenshots: .venv/dev servers ## take the pictures of docs/images: the status page, and what render draws
	@$(BIN)/python -m scripts.screenshot
	@$(BIN)/python -m tests.render --into=docs/images --leave-out=otel

compose/prometheus.yml: prometheus/prometheus.yml Makefile
	sed -e '1i # Made from prometheus/prometheus.yml, with other names of machines: make $@' \
	    -e 's/"localhost:9853"/"exporter:9853"/; s/"localhost:9093"/"alertmanager:9093"/' \
	    -e 's#Write both addresses here.*#Both are variables of docker-compose.yml.#' \
	    -e 's#grafana_url: .*#grafana_url: $${GRAFANA_URL}#' \
	    -e 's#runbooks_url: .*#runbooks_url: $${RUNBOOKS_URL}#' $< > $@

lock: ## write constraints.txt anew (needs Python 3.11)
	@scripts/lock $(PYTHON)

clean: ## remove .venv, .tools and every cache
	rm -rf .venv .tools .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/bin/python:
	@python=$$(scripts/python $(PYTHON)) && echo "making .venv with $$python" && $$python -m venv --clear .venv

.venv/run: .venv/bin/python pyproject.toml constraints.txt
	@echo "installing claude-cost-exporter into .venv"
	@$(PIP_INSTALL) --editable .
	@touch $@

.venv/dev: .venv/bin/python pyproject.toml constraints.txt
	@echo "installing claude-cost-exporter and its development tools into .venv"
	@$(PIP_INSTALL) --editable '.[dev]'
	@touch .venv/run $@
