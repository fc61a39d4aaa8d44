# zimagine: `make` lists the targets, in the order of this file.

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
    if "$$p" -c 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info)' 2>/dev/null; \
    then echo $$p; break; fi; done)
VENV := .venv
BIN := $(VENV)/bin
PROMPT ?= a mountain lake at dawn
SEED ?= 1
KILLS ?= 100
PICTURES ?= 1500
MEMBERS ?= 1000
HOURS ?= 24
CATALOGUES := $(wildcard bot/locales/*/LC_MESSAGES/*.po)

.DEFAULT_GOAL := help
.PHONY: help run imagine install test lint types imports check wheel-check messages snapshots pictures sketch judge evaluate chaos soak day bench-storage bench-presses bench-memory bench-loading bench-previews bench-loras bench-messages bench-filter clean

run: $(VENV)/.installed ## Try the bot in a browser: no account, no GPU, no download
	@$(BIN)/zimagine playground $(ARGS)

imagine: $(VENV)/.installed ## Paint PROMPT="…" with the built-in demo model and print the file
	@$(BIN)/zimagine imagine $(ARGS) -- "$$PROMPT_TEXT"

# Through the environment, so that quotes and dollars in a prompt are passed on as they are.
imagine: export PROMPT_TEXT = $(value PROMPT)

install: $(VENV)/.installed ## Create .venv and install zimagine into it

# Three processes: many tests wait for a bot or a browser, and two left a quarter of two processors
# idle. One file stays in one process. What measures
# how long the event loop stands still runs alone.
test: $(VENV)/.installed-dev ## Run the whole test suite
	$(BIN)/python -m pytest -q tests/loop
	$(BIN)/python -m pytest -q -n 3 --dist loadfile --ignore=tests/loop

lint: $(VENV)/.installed-dev ## Check style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed-dev ## Check types
	$(BIN)/pyright

imports: $(VENV)/.installed-dev ## Check the import rules
	$(BIN)/lint-imports

check: lint types imports test ## Lint, types, import rules and tests

wheel-check: $(VENV)/.installed-dev ## Build the wheel, install it outside the clone and use it
	$(BIN)/python -m tests.packaging.wheel

messages: $(VENV)/.installed-dev ## Collect translatable texts into bot/locales, for the catalogues too
	$(BIN)/python -m tests.bot.messages > bot/locales/zimagine.pot
	$(BIN)/python -m tests.bot.catalogues

snapshots: $(VENV)/.installed-dev ## Update the snapshots of layouts and commands; then read the diff
	$(BIN)/python -m pytest -q --snapshot-update tests/bot/discord/views/test_layouts.py tests/bot/discord/commands/test_payload.py

pictures: $(VENV)/.installed-dev ## Take the screenshots in docs/pictures (needs chromium, fonts-noto-cjk and fonts-noto-color-emoji)
	$(BIN)/python -m tests.bot.playground.pictures

sketch: $(VENV)/.installed ## Train the built-in demo model from scratch (hours on two cores)
	$(BIN)/python -m engine.sketch.train

judge: $(VENV)/.installed ## Train the judge of the demo model on drawings, and freeze it
	$(BIN)/python -m engine.sketch.judge_training

evaluate: $(VENV)/.installed ## Evaluate the built-in demo model on prompts held out of its training
	$(BIN)/python -m engine.sketch.evaluate

chaos: $(VENV)/.installed-dev ## Kill the bot repeatedly while faults are injected: SEED=1 KILLS=100
	$(BIN)/python -m tests.chaos --seed $(SEED) --kills $(KILLS)

soak: $(VENV)/.installed-dev ## Run under constant load and compare memory and pace: PICTURES=1500
	$(BIN)/python -m tests.chaos.soak --pictures $(PICTURES) --users 20 --at-once 8

day: $(VENV)/.installed-dev ## Play a day of a server and compare it with a reference: SEED=1 MEMBERS=1000 HOURS=24
	$(BIN)/python -m tests.day --seed $(SEED) --members $(MEMBERS) --hours $(HOURS)

bench-storage: $(VENV)/.installed-dev ## Measure the database with a million pictures (10 minutes, 5 GB)
	$(BIN)/python -m tests.scale.storage $(ARGS)

bench-presses: $(VENV)/.installed-dev ## Measure response times with twenty users while it paints (3 minutes)
	$(BIN)/python -m tests.scale.presses $(ARGS)

bench-memory: $(VENV)/.installed-dev ## Measure the memory plans on a GPU, with random weights (ARGS=--help)
	$(BIN)/python -m tests.scale.memory $(ARGS)

bench-loading: $(VENV)/.installed-dev ## Load a folder of full size and check the memory that takes (20 GB of disk)
	$(BIN)/python -m tests.scale.loading $(ARGS)

bench-previews: $(VENV)/.installed-dev ## Measure the cost of previews with the built-in demo model
	$(BIN)/python -m tests.scale.previews $(ARGS)

bench-loras: $(VENV)/.installed-dev ## Measure listing and switching LoRAs at Z-Image's size
	@$(BIN)/python -m tests.scale.loras $(ARGS)

bench-messages: $(VENV)/.installed-dev ## Measure what every message of a server costs with answer_mentions
	$(BIN)/python -m tests.scale.messages $(ARGS)

bench-filter: $(VENV)/.installed-dev ## Measure a filter of 1,000 patterns with long prompts (1 minute)
	$(BIN)/python -m tests.scale.filtering $(ARGS)

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "%-15s %s\n", $$1, $$2 }'

clean: ## Remove .venv and caches; data/ stays
	rm -rf $(VENV) build *.egg-info .pytest_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "zimagine needs Python 3.11 or newer with its venv module" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml setup.py constraints.txt $(CATALOGUES)
	@echo "Installing zimagine into $(VENV). On Linux pip fetches up to 2.8 GB, most of it CUDA for torch;"
	@echo "README.md says how to do with 0.3 GB on a machine without an NVIDIA GPU."
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@
