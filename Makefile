# Everything a contributor types. PYTHON chooses the interpreter: PYTHON=python3.13 make test
PYTHON ?= python3
# Another interpreter has environments of its own, so that both may stand side by side.
SUFFIX := $(if $(filter python3,$(PYTHON)),,-$(notdir $(PYTHON)))
VENV ?= .venv$(SUFFIX)
ENDPOINT_VENV ?= .venv-endpoint$(SUFFIX)
TEMPLATES_VENV ?= .venv-templates$(SUFFIX)
DASHBOARDS_VENV ?= .venv-dashboards$(SUFFIX)
AUDIT_VENV ?= .venv-audit$(SUFFIX)
BIN := $(VENV)/bin
STAY ?=
SECONDS ?= 60
SEED ?=

# The Lambda package: for which processor and runtime, and what of yours goes in.
ARCH ?= arm64
PYTHON_VERSION ?= 3.13
LAMBDA_PYTHON ?= python$(PYTHON_VERSION)
RULES ?= deploy/rules
CONFIG ?=

# uv is faster where it exists; pip does the same from the same hashed lock.
UV := $(shell command -v uv 2>/dev/null)
PIP_INSTALL = $(if $(UV),uv pip install --quiet --python $(1)/bin/python,$(1)/bin/python -m pip install --quiet --disable-pip-version-check)

# As constraints too: a pip before 23.3 takes a package and the same with extras for two, and only constraints hold for both.
LOCKED = --require-hashes -r $(1) -c $(1)

.PHONY: audit bench chaos dashboards demo docs fuzz monitoring report-check simulate image sbom soak test check lint types imports wheel lambda-image lambda-zip lock templates clean help
.DEFAULT_GOAL := help

help: ## what can be asked of this file
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(VENV)/.locked: requirements/dev.lock
	@rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(call PIP_INSTALL,$(VENV)) $(call LOCKED,requirements/dev.lock)
	@touch $@

$(VENV)/.ready: $(VENV)/.locked pyproject.toml
	$(call PIP_INSTALL,$(VENV)) --no-deps --no-build-isolation --editable .
	@touch $@

$(ENDPOINT_VENV)/.ready: requirements/endpoint.lock
	@rm -rf $(ENDPOINT_VENV)
	$(PYTHON) -m venv $(ENDPOINT_VENV)
	$(call PIP_INSTALL,$(ENDPOINT_VENV)) $(call LOCKED,requirements/endpoint.lock)
	@touch $@

$(DASHBOARDS_VENV)/.ready: requirements/dashboards.lock
	@rm -rf $(DASHBOARDS_VENV)
	$(PYTHON) -m venv $(DASHBOARDS_VENV)
	$(call PIP_INSTALL,$(DASHBOARDS_VENV)) $(call LOCKED,requirements/dashboards.lock)
	@touch $@

$(TEMPLATES_VENV)/.ready: requirements/templates.lock
	@rm -rf $(TEMPLATES_VENV)
	$(PYTHON) -m venv $(TEMPLATES_VENV)
	$(call PIP_INSTALL,$(TEMPLATES_VENV)) $(call LOCKED,requirements/templates.lock)
	@touch $@

$(AUDIT_VENV)/.ready: requirements/audit.lock
	@rm -rf $(AUDIT_VENV)
	$(PYTHON) -m venv $(AUDIT_VENV)
	$(call PIP_INSTALL,$(AUDIT_VENV)) $(call LOCKED,requirements/audit.lock)
	@touch $@

PROGRAMS = ENDPOINT_PROGRAM=$(abspath $(ENDPOINT_VENV))/bin/ministack DASHBOARDS_PYTHON=$(abspath $(DASHBOARDS_VENV))/bin/python
test: $(VENV)/.ready $(ENDPOINT_VENV)/.ready $(DASHBOARDS_VENV)/.ready ## the whole test suite
	$(PROGRAMS) $(BIN)/python -m pytest $(ARGS)

lint: $(VENV)/.ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.ready
	$(BIN)/mypy

imports: $(VENV)/.ready
	$(BIN)/lint-imports

demo: $(VENV)/.ready $(ENDPOINT_VENV)/.ready ## the main job on this machine; STAY=1 keeps it running
	@$(BIN)/python -m deploy.demo --endpoint $(ENDPOINT_VENV)/bin/ministack $(if $(STAY),--stay)

bench: $(VENV)/.ready ## what it costs, beside other ways: ARGS="bulk drizzle --rounds 3" chooses
	@PYTHONPATH=tests $(BIN)/python -m tests.bench $(ARGS)

fuzz: $(VENV)/.ready ## mutated inputs against other parsers: SECONDS=60 SEED=1; ARGS="--target gzip" chooses
	@PYTHONPATH=tests $(BIN)/python -m fuzz --seconds $(SECONDS) $(if $(SEED),--seed $(SEED)) $(ARGS)

# The clock of one experiment is another package's: faketime, which Debian has.
chaos: $(VENV)/.ready $(ENDPOINT_VENV)/.ready ## kills and other faults: is an alert lost, or told twice? ARGS="--quick --only kill"
	@ENDPOINT_PROGRAM=$(abspath $(ENDPOINT_VENV))/bin/ministack PYTHONPATH=tests $(BIN)/python -m chaos $(ARGS)

soak: $(VENV)/.ready ## steady load and a burst for some minutes: does anything grow? ARGS="--minutes 60"
	@PYTHONPATH=tests $(BIN)/python -m soak $(ARGS)

# Prometheus is Debian's. Where it is missing and cannot be installed, the tests that need it say so and are skipped.
monitoring: $(VENV)/.ready $(ENDPOINT_VENV)/.ready $(DASHBOARDS_VENV)/.ready ## every alert and panel on a real Prometheus, its cause provoked in real workers
	@command -v prometheus promtool >/dev/null || { [ "$$(id -u)" = 0 ] && apt-get install --quiet --yes --no-install-recommends prometheus; } || true
	$(PROGRAMS) $(BIN)/python -m pytest -o python_files="test_*.py live.py" tests/monitoring -rs $(ARGS)

# The browser is Debian's. Where it is missing and cannot be installed, the tests say so and are skipped.
report-check: $(VENV)/.ready ## the report of a scan in a real browser: drawn, clicked through, and attacked
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && \
	  apt-get update --quiet && apt-get install --quiet --yes --no-install-recommends chromium fonts-dejavu-core; } || true
	$(BIN)/python -m pytest tests/integration/test_scan_report_in_a_browser.py -rs $(ARGS)

dashboards: $(DASHBOARDS_VENV)/.ready ## write the Grafana dashboards from their program
	$(DASHBOARDS_VENV)/bin/python -m deploy.grafana

simulate: $(VENV)/.ready ## the lag that autoscaling keeps on a bursty day: ARGS="--least 4 --seed 7"
	@$(BIN)/python -m deploy.simulate $(ARGS)

docs: $(VENV)/.ready ## write the parts of docs/ that programs write: commands, capacity
	@$(BIN)/python -m deploy.pages

# Where no registry can be reached: as root, with podman and debootstrap.
image: $(VENV)/.ready $(ENDPOINT_VENV)/.ready ## the image, built, tried read-only against the local endpoint, and measured
	@ENDPOINT_PROGRAM=$(abspath $(ENDPOINT_VENV))/bin/ministack PYTHONPATH=tests $(BIN)/python -m image \
	  --python-version $(PYTHON_VERSION) -- $(ARGS)

# What a user installs, and not the tree it was built from: hence the other folder.
WHEEL_BIN := $(CURDIR)/build/wheel-venv/bin
wheel: $(VENV)/.ready ## the wheel, built, installed from the lock in a clean environment, and used
	@rm -rf dist/*.whl build/wheel-venv build/wheel-logs
	$(BIN)/python -m hatchling build -t wheel
	$(PYTHON) -m venv build/wheel-venv
	$(WHEEL_BIN)/python -m pip install --quiet --disable-pip-version-check $(call LOCKED,requirements/service.lock)
	$(WHEEL_BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps dist/*.whl
	$(BIN)/python -m deploy.demo.write_logs build/wheel-logs --objects 20
	cd build/wheel-logs && $(WHEEL_BIN)/trailstream --version
	cd build/wheel-logs && $(WHEEL_BIN)/trailstream --help >/dev/null
	cd build/wheel-logs && $(WHEEL_BIN)/trailstream scan . --rules $(CURDIR)/deploy/rules --summary ../wheel-scan.json >/dev/null

lambda-zip: $(VENV)/.ready ## the Lambda function's package: ARCH=arm64|x86_64 PYTHON_VERSION=3.13 RULES=dir CONFIG=file
	@$(BIN)/trailstream rules check $(RULES)
	@$(BIN)/python -m deploy.lambda.build_zip --arch $(ARCH) --python-version $(PYTHON_VERSION) \
	  --interpreter $(LAMBDA_PYTHON) --rules $(RULES) $(if $(CONFIG),--config $(CONFIG)) \
	  --output dist/trailstream-lambda-$(ARCH).zip

# AWS's base image where a registry is reached; elsewhere, as root with podman and debootstrap, one with what makes it Lambda's.
MACHINE_ARCH := $(patsubst aarch64,arm64,$(shell uname -m))
lambda-image: $(TEMPLATES_VENV)/.ready $(ENDPOINT_VENV)/.ready ## the Lambda function's image, built, and called with real events
	@$(MAKE) lambda-zip ARCH=$(MACHINE_ARCH)
	$(PROGRAMS) RIE=$(firstword $(wildcard $(abspath $(TEMPLATES_VENV))/lib/python*/site-packages/samcli/local/rapid/aws-lambda-rie-$(MACHINE_ARCH))) \
	  PACKAGE=dist/trailstream-lambda-$(MACHINE_ARCH).zip LAMBDA_PYTHON_VERSION=$(PYTHON_VERSION) \
	  $(BIN)/python -m pytest -o python_files=lambda_image.py tests/image $(ARGS)

TEMPLATES := deploy/ecs/trailstream.yaml deploy/lambda/from-queue.yaml deploy/lambda/from-bucket.yaml deploy/trails/trail.yaml deploy/trails/reader-role.yaml
templates: $(VENV)/.ready $(ENDPOINT_VENV)/.ready $(TEMPLATES_VENV)/.ready ## the templates: checked, created on the local endpoint, and used
	$(TEMPLATES_VENV)/bin/cfn-lint $(TEMPLATES)
	@for each in $(TEMPLATES); do \
	  SAM_CLI_TELEMETRY=0 $(TEMPLATES_VENV)/bin/sam validate --lint --region eu-west-1 --template $$each || exit 1; \
	done
	$(PROGRAMS) $(BIN)/python -m pytest tests/templates $(ARGS)

# Where a package comes from is told by its purl: -i takes the place of an index's address, so that a mirror's cannot get in.
# A lock is a flat list, of which the tool warns.
SBOM ?= dist/trailstream-sbom.json
sbom: $(AUDIT_VENV)/.ready ## what the service is made of, with hashes, as CycloneDX: the same bytes from the same lock
	@mkdir -p $(dir $(SBOM))
	@PYTHONWARNINGS=ignore::UserWarning:cyclonedx.model.bom $(AUDIT_VENV)/bin/cyclonedx-py requirements \
	  --output-reproducible --pyproject pyproject.toml -i pkg:pypi -o $(SBOM) requirements/service.lock

# Strict, because a package that the vulnerability service does not know would count as sound.
audit: $(AUDIT_VENV)/.ready ## is a locked dependency known to be vulnerable? asks PyPI; ARGS="-s osv" asks OSV
	@exec 3>&1; said=$$($(AUDIT_VENV)/bin/pip-audit --strict --require-hashes --disable-pip --progress-spinner off \
	  -r requirements/service.lock $(ARGS) 2>&1 >&3); status=$$?; \
	printf '%s\n' "$$said" | tail -n 1 >&2; \
	case $$status-$$said in 0-*|*'Found '*' known vulnerabilit'*) ;; \
	  *) echo 'NOT AUDITED: the vulnerability service could not be asked about every dependency, so nothing is known' >&2;; esac; \
	exit $$status

check: lint types imports test wheel ## all that CI runs

COMPILE = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate
lock: ## compile the hashed lock files from pyproject.toml (needs uv)
	$(COMPILE) pyproject.toml -o requirements/service.lock
	$(COMPILE) -c requirements/service.lock pyproject.toml --group dev -o requirements/dev.lock
	$(COMPILE) --group endpoint -o requirements/endpoint.lock
	$(COMPILE) --group templates -o requirements/templates.lock
	$(COMPILE) --group lambda-base -o requirements/lambda-base.lock
	$(COMPILE) --group dashboards -o requirements/dashboards.lock
	$(COMPILE) --group audit -o requirements/audit.lock

clean: ## remove what the other targets made
	rm -rf $(VENV) $(ENDPOINT_VENV) $(DASHBOARDS_VENV) $(AUDIT_VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
