# Every target does its own set-up into .venv; nothing needs to be installed by hand but Python 3.11+.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help book chapter test test-slow lint bench scale constraints clean browser

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[book,cluster,test]'
	touch $@

book: $(STAMP) ## execute the chapters, build the HTML, print its path
	$(BIN)/python book/build.py

chapter: $(STAMP) ## a new chapter from the template: make chapter NAME=my-idea
	@$(BIN)/python book/new_chapter.py "$(NAME)"

test: lint browser ## all tests that do not take long
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not slow"

test-slow: $(STAMP) browser ## the tests that take long; CI runs both
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m slow

bench: $(STAMP) ## exact subset sums against the peers; stores data/benchmark.json
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[bench]'
	$(BIN)/python -m benchmarks.subset_sum

scale: $(STAMP) ## tickets of up to eleven million weights: time and memory; stores data/scale.json
	$(BIN)/python -m benchmarks.scale

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

browser: # the real browser that opens the built pages
	@command -v chromium >/dev/null || { \
	  echo "chromium is missing: installing Debian's package"; \
	  sudo=$$(test $$(id -u) -eq 0 || echo sudo); \
	  $$sudo apt-get update -qq </dev/null && \
	  DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -qq -y --no-install-recommends chromium </dev/null; }

constraints: $(STAMP) ## write constraints.txt anew from what is installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[bench,book,cluster,test]'
	$(BIN)/python -m pip freeze --all --exclude-editable | grep -vE '^(pip==|-e|\#)' | sed 's/+cpu//' > constraints.txt.new
	mv constraints.txt.new constraints.txt

clean: ## remove what was built (not .venv)
	rm -rf _build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
