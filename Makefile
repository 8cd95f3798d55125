# Every target does its own set-up into .venv; nothing needs to be installed by hand but Python 3.11+.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
AXE := tests/node_modules/.package-lock.json
FASHION := /usr/share/datasets/fashion-mnist
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help book chapter test test-slow lint links bench scale constraints clean browser fashion pdf epub serve

# $(call debian,PACKAGE,OPTIONS OF SUDO) says that it is missing and installs it
debian = { echo "$(1) is missing: installing Debian's package"; \
  sudo=$$(test $$(id -u) -eq 0 || echo sudo $(2)); \
  $$sudo apt-get update -qq </dev/null && \
  DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -qq -y --no-install-recommends $(1) </dev/null; }

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[book,cluster,test]'
	touch $@

book: $(STAMP) ## execute the chapters, build the HTML, print its path
	$(BIN)/python -m book.make.build

pdf: book browser ## print the built book as one PDF, and its path
	$(BIN)/python -m book.paper.pdf

epub: $(STAMP) ## execute the chapters, make one EPUB of them, print its path
	$(BIN)/python -m book.make.build --builder epub

serve: $(STAMP) ## serve the book, rebuild what is edited; CHAPTER=NAME serves only that one
	$(BIN)/python -m book.make.serve $(if $(CHAPTER),--chapter $(CHAPTER))

chapter: $(STAMP) ## a new chapter from the template: make chapter NAME=my-idea
	@$(BIN)/python -m book.make.new_chapter "$(NAME)"

test: lint browser fashion $(AXE) ## all tests that do not take long
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not slow"

test-slow: $(STAMP) browser fashion $(AXE) ## the tests that take long; CI runs both
	$(BIN)/python -m pytest -n 2 --dist loadgroup --timeout 1800 -m slow

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
	$(BIN)/codespell

links: $(STAMP) ## open every outside address of the book; needs a network
	$(BIN)/python -m book.make.build --profile fast --builder linkcheck

browser: # the real browser that opens the built pages; one with windows will do where Debian's is not to be had
	@command -v chromium-headless-shell >/dev/null || command -v chrome-headless-shell >/dev/null || \
	  $(call debian,chromium-headless-shell) || \
	  command -v chromium || command -v chromium-browser || command -v google-chrome

fashion: # data of some tests, which are skipped where they are not to be had
	@test -d $(FASHION) || $(call debian,dataset-fashion-mnist,-n) || \
	  echo "dataset-fashion-mnist cannot be installed: tests of Fashion-MNIST are skipped"

$(AXE): tests/package.json tests/package-lock.json # the accessibility checker that runs in the pages
	@command -v npm >/dev/null || $(call debian,npm)
	npm ci --prefix tests --no-audit --no-fund --loglevel error </dev/null
	touch $@

constraints: $(STAMP) ## write constraints.txt anew from what is installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[bench,book,cluster,test]'
	$(BIN)/python -m pip freeze --all --exclude-editable | grep -vE '^(pip==|-e|\#)' | sed 's/+cpu//' > constraints.txt.new
	mv constraints.txt.new constraints.txt

clean: ## remove what was built (not .venv)
	rm -rf _build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
