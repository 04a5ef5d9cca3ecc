# Everything here sets itself up: a virtual environment in .venv, the locked dependencies, the product.
# `make demo` and `make test` need Python 3.11 or newer and make, nothing else.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
FUZZ_SECONDS ?= 600
SOAK_SECONDS ?= 1800

.PHONY: demo test check lint types imports interop bench bench-flood native fuzz soak lock clean help

help: ## Show the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

demo: $(READY) ## Run the lab: a gateway in front of simulated switches, and the catalogue of calls
	@$(BIN)/tollgate lab

test: $(READY) ## Run the tests
	@$(BIN)/python -m pytest

check: $(READY) lint types imports test ## Everything that must hold before a change lands

lint: $(READY)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

types: $(READY)
	@$(BIN)/mypy

imports: $(READY)
	@$(BIN)/lint-imports

interop: $(READY) ## Try it against Debian's SIPp, Kamailio, tshark and Prometheus (installed when root, else named)
	@deploy/debian-packages kamailio kamailio-tls-modules libusrsctp2 openssl prometheus sip-tester tshark
	@$(BIN)/python -m tests.interop

bench: $(READY) ## Measure a call beside Kamailio and bare forwarders, its growth, and SS7
	@deploy/debian-packages gcc libc6-dev kamailio || echo "Measuring without what is missing." >&2
	@$(BIN)/python deploy/build-native || echo "Measuring the gateway in Python alone." >&2
	@$(BIN)/python -m bench --growth --isup --ss7

bench-flood: $(READY) ## Measure what an innocent provider sees of a flood, beside Kamailio with pipelimit
	@deploy/debian-packages gcc libc6-dev kamailio || echo "Measuring without what is missing." >&2
	@$(BIN)/python deploy/build-native || echo "Measuring the gateway in Python alone." >&2
	@$(BIN)/python -m bench.flood

native: $(READY) ## Compile what costs most: optional, needs a C compiler and Python's headers
	@$(BIN)/python deploy/build-native

fuzz: $(READY) ## Fuzz the SIP codec and the proxy for FUZZ_SECONDS (600)
	@deploy/fuzzing-packages $(VENV)
	@$(BIN)/python -m tests.fuzz --seconds $(FUZZ_SECONDS)

soak: $(READY) ## Run one gateway under calls, floods, reloads and dying peers for SOAK_SECONDS (1800)
	@$(BIN)/python -m tests.soak $(SOAK_SECONDS)

$(READY): requirements.lock pyproject.toml deploy/make-venv
	@deploy/make-venv $(PYTHON) $(VENV)
	@touch $@

lock: ## Bring requirements.lock up to date (needs uv)
	uv pip compile pyproject.toml --extra dev --generate-hashes --universal --python-version 3.11 \
	  --no-emit-index-url --no-annotate --no-header --upgrade -o requirements.lock

clean: ## Remove what was made here
	rm -rf $(VENV) build var .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache bench/results*.json
