# Two commands from nothing: `make demo` and `make test`. `make help` lists the rest.
PYTHON ?= python3
BIN := .venv/bin
# Every test process imports the same modules: compile them once, whatever the user's habit is.
unexport PYTHONDONTWRITEBYTECODE
SOURCES := bot kommo storage sandbox tests

.DEFAULT_GOAL := help
.PHONY: help demo test types suite coverage debian bench soak format lint docs screenshots lock release clean install uninstall

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

demo: .venv/.installed-run ## the bridge on the embedded sandbox, from nothing, until Ctrl-C
	@$(BIN)/python -m bot demo $(ARGS)

test: .venv/.installed-dev ## format, lint, types and the whole test suite, from nothing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	@$(MAKE) --no-print-directory -j2 types suite

types: .venv/.installed-dev
	$(BIN)/mypy

suite: .venv/.installed-dev
	$(BIN)/python -m pytest -n 6 --dist worksteal $(ARGS)

coverage: .venv/.installed-dev ## the suite once more, with what it covers: a third more work, so it is apart
	$(BIN)/python -m pytest -p tests.startup -n 6 --dist worksteal --cov --cov-report=term $(ARGS)

debian: .venv/.installed-dev ## the documented ways in a clean Debian under systemd (root, mmdebstrap, systemd-container)
	KOMMO_TELEGRAM_DEBIAN=1 $(BIN)/python -m pytest tests/e2e/test_debian.py $(ARGS)

bench: .venv/.installed-dev ## speed and memory beside a bridge that keeps nothing (ARGS="--quick", --json, --only, --micro)
	@$(BIN)/python -m benchmarks $(ARGS)

soak: .venv/.installed-dev ## both directions with failures and kills, 10 minutes (ARGS="--minutes 1")
	$(BIN)/python -m tests.soak $(ARGS)

format: .venv/.installed-dev ## format the code, and fix what ruff can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: .venv/.installed-dev ## format, lint and types only
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	@$(MAKE) --no-print-directory types

docs: .venv/.installed-dev ## write docs/reference/settings.md and commands.md from the program
	$(BIN)/python -m scripts.reference

screenshots: .venv/.installed-dev ## take the pictures in docs/images (needs Chromium)
	$(BIN)/python -m scripts.screenshots

lock: .venv/.installed-dev ## pin the newest allowed dependencies again (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade \
		--no-emit-index-url --no-emit-find-links --no-header --no-annotate \
		--group build -o requirements.lock pyproject.toml
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade \
		--no-emit-index-url --no-emit-find-links --no-header --no-annotate -c requirements.lock \
		--group dev -o requirements-dev.lock pyproject.toml

install: ## program, command and systemd unit in their places; again to upgrade (needs root)
	@DESTDIR='$(DESTDIR)' scripts/install $(PYTHON)

uninstall: ## take them away again; settings and database stay, unless PURGE=1
	@DESTDIR='$(DESTDIR)' PURGE='$(PURGE)' scripts/uninstall

release: ## check that the version is ready, build it and test the wheel; publishes nothing
	scripts/release $(PYTHON)

clean: ## remove the virtual environment and what the tools left
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .coverage .coverage.* htmlcov build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.installed-run: requirements.lock pyproject.toml scripts/environment
	@scripts/environment run $(PYTHON)

.venv/.installed-dev: requirements-dev.lock pyproject.toml scripts/environment
	@scripts/environment dev $(PYTHON)
