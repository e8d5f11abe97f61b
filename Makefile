# `make run` serves, `make test` tests; both install what they need first, once.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: run worker run-cluster test test-cluster demo check audit lock faults faults-cluster bench bench-highlights bench-workout \
	bench-vision written format clean

run: .venv/installed
	@exec $(BIN)/python app.py

worker: .venv/installed
	@exec $(BIN)/python celery_worker.py

run-cluster: .venv/installed-dev
	@exec $(BIN)/python cluster.py

demo: .venv/installed
	@$(BIN)/python cli.py demo

test: .venv/installed-dev
	$(BIN)/pytest -n 2 --dist worksteal

# The contract as it is tested of one process, held of clusters: a Redis, a store and a worker for each service.
CONTRACT := access api_shape async_api client files_api follow idempotency legacy poll previews results state_table tus \
	upload_refusals web_api web_browser

test-cluster: .venv/installed-dev
	TEST_CLUSTER=1 $(BIN)/pytest -n 2 --dist worksteal $(CONTRACT:%=tests/test_%.py)

check: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/hadolint Dockerfile
	$(BIN)/mypy
	$(BIN)/pytest tests/test_house.py tests/test_architecture.py
	$(BIN)/python -m tools check
	@sed '/^# What those need/,$$d' requirements.txt > .venv/direct.txt
	$(BIN)/deptry . --requirements-files .venv/direct.txt
	$(BIN)/vulture
	@$(MAKE) --no-print-directory audit

# What only the code knows, written into the documents: openapi.json, and the marked parts of README and guides.
written: .venv/installed-dev
	$(BIN)/python -m tools write

# Known weaknesses of what is pinned; where the advisory service cannot be reached, it says so and goes on.
ADVISORIES ?= https://api.osv.dev/v1/query
PROBE := {"package": {"name": "pip", "ecosystem": "PyPI"}}

audit: .venv/installed-dev
	@if curl -fsS --max-time 10 -o /dev/null --data '$(PROBE)' '$(ADVISORIES)'; then \
		$(BIN)/pip-audit --vulnerability-service osv --osv-url '$(ADVISORIES)' --no-deps --disable-pip \
			--progress-spinner off --requirement requirements.txt --requirement requirements-dev.txt; \
	else echo 'audit skipped: $(ADVISORIES) cannot be reached from here'; fi

# The pins of requirements.txt with the hashes of their files, for the image; torch apart, whose wheel differs by platform.
lock: .venv/installed-dev
	$(BIN)/uv pip compile --quiet --no-deps --universal --python-version 3.11 --generate-hashes --no-emit-package torch \
		--no-annotate --custom-compile-command 'make lock' requirements.txt --output-file requirements.lock

faults: .venv/installed-dev
	$(BIN)/python -m benchmarks.faults $(if $(FULL),--full)

faults-cluster: .venv/installed-dev
	$(BIN)/python -m benchmarks.cluster $(if $(FULL),--full)

# Long; ONLY="upload status" measures some parts, KEEP=yes holds later runs to this one's ratios.
bench: .venv/installed-dev
	$(BIN)/python -m benchmarks.bench $(if $(ONLY),--only $(ONLY)) $(if $(KEEP),--keep)

bench-highlights: .venv/installed-dev
	$(BIN)/python -m benchmarks.highlights

bench-workout: .venv/installed-dev
	$(BIN)/python -m benchmarks.workout

bench-vision: .venv/installed-dev
	$(BIN)/python -m benchmarks.vision
	$(BIN)/python -m benchmarks.vision_whole
	$(BIN)/python -m benchmarks.vision_together

format: .venv/installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache

.venv/installed: requirements.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name it with make PYTHON=…")'
	test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/installed-dev: requirements-dev.txt .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@
