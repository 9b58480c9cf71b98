# Two commands: `make run` opens the demo city, `make test` passes the tests.  Both set up what they need.
SHELL := /bin/bash
VENV := .venv
PYTHON := $(VENV)/bin/python
STAMP := $(VENV)/.setup-done

.PHONY: help setup run test check bench fuzz soak pictures schemas city-table wheel freeze lock clean

help: ## Say what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(STAMP) ## Make the environment .venv/ from the locked versions, and install missing system libraries

$(STAMP): requirements-dev.lock pyproject.toml .ci/setup
	@bash .ci/setup $(VENV)
	@touch $@

run: setup ## Open the demo city in a window (on a virtual display, with a screenshot, where there is none)
	@bash .ci/show $(PYTHON) $(ARGS)

test: setup ## Check the code and run all tests
	@bash .ci/test $(PYTHON)

check: setup ## Format, lint, types and the direction of imports
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy
	$(VENV)/bin/lint-imports

bench: setup ## Measure speed, as ratios against peers in the same run
	@bash .ci/on-display $(PYTHON) -m benchmarks

fuzz: setup ## Read 20,000 mutated files of CityGML and 20,000 of CityJSON (FUZZ="--again citygml 17": one again)
	$(PYTHON) -m tests.fuzzing $(FUZZ)

soak: setup ## The long checks: 1,000 kills while saving, 200 exits, the leak probe
	$(PYTHON) -m tests.end_to_end.kill_while_saving 1000
	@bash .ci/on-display $(PYTHON) -m tests.end_to_end.exits 200

pictures: setup ## Take the pictures of the README anew
	@bash .ci/on-display $(PYTHON) docs/take_pictures.py

schemas: setup ## Write the published JSON Schemas and the list of problems anew
	$(PYTHON) -m twinviewer.app.schemas docs

city-table: setup ## Write docs/city-models.md anew: what becomes of each CityGML and CityJSON file of ../shared/data
	$(PYTHON) -m benchmarks.city_files

wheel: setup ## Build the wheel into dist/
	$(PYTHON) -m build --wheel --no-isolation

freeze: setup ## Build the stand-alone program with PyInstaller and let it check itself
	$(VENV)/bin/pyinstaller --noconfirm --log-level WARN twinviewer.spec
	@bash .ci/on-display dist/twinviewer/twinviewer --self-check
	@bash .ci/on-display dist/twinviewer/twinviewer doctor

lock: ## Resolve the locked versions anew (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header -q pyproject.toml -o requirements.lock
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header -q --group dev pyproject.toml -o requirements-dev.lock

clean: ## Remove what was built, the environment included
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
