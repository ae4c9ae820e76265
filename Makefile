# make demo: the main job on embedded defaults, no root.   make test: everything that CI runs.   make help: the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
REQ := requirements

.DEFAULT_GOAL := help
.PHONY: help demo demo-month demo-evening demo-real test check audit sbom bench docs lock clean

help: ## say what there is
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.run ## the real sites of the EGI Federated Cloud, planned, applied, broken and repaired (no root)
	@$(BIN)/python -m tests.demo.demo

demo-month: $(VENV)/.run ## a month of 40 made-up sites: availability, agreements, tickets, usage, and pages that draw them (no root)
	@$(BIN)/python -m tests.demo.month

demo-evening: $(VENV)/.dev ## an evening of three people: pull requests, approvals, a machine that dies, drift, a downtime (BIND, PostgreSQL, Chromium)
	@$(BIN)/python -m tests.demo.evening

demo-real: $(VENV)/.dev ## the same with OpenStack, BIND and Ansible, then data on XRootD and S3 (root on Debian)
	@sh .ci/packages
	@$(BIN)/python -m tests.demo.real
	@$(BIN)/python -m tests.demo.data

test: $(VENV)/.dev ## every check and every test, real servers included (Debian packages are installed when possible)
	@sh .ci/packages
	@$(MAKE) --no-print-directory check
	@echo "== a cloud for the tests"; $(BIN)/python -m tests.real.openstack prepare
	@echo "== tests"
	@sh .ci/tests $(BIN)/python

check: $(VENV)/.dev ## style, types, architecture, generated files, docs
	@echo "== ruff";            $(BIN)/ruff format --check -q . && $(BIN)/ruff check -q .
	@echo "== mypy";            $(BIN)/mypy
	@echo "== import-linter";   $(BIN)/lint-imports --no-logo
	@echo "== schemas and reference pages are fresh"; $(BIN)/python -m tests.generated --check
	@echo "== playbooks";       $(BIN)/yamllint -s playbooks && ANSIBLE_LINT_NODEPS=1 $(BIN)/ansible-lint -q --offline playbooks
	@echo "== manifests";       $(BIN)/hanse validate --worktree
	@echo "== docs";            $(BIN)/mkdocs build -q --strict -d site
	@echo "== advisories";      $(BIN)/python -m tests.audit

audit: $(VENV)/.dev ## known vulnerabilities of what Hanse runs on (needs PyPI or OSV)
	@$(BIN)/python -m tests.audit

sbom: $(VENV)/.dev ## what Hanse runs on, as CycloneDX, into sbom.json
	@$(BIN)/python -m tests.sbom sbom.json && echo sbom.json

bench: $(VENV)/.dev ## how it scales, beside Terraform where there is one, and beside Infrastructure Manager (root on Debian)
	@$(BIN)/python -m tests.benchmarks
	@$(BIN)/python -m tests.benchmarks.scale
	@$(BIN)/python -m tests.benchmarks.clouds
	@$(BIN)/python -m tests.benchmarks.data
	@$(BIN)/python -m tests.benchmarks.accounting
	@$(BIN)/python -m tests.benchmarks.availability --database
	@$(BIN)/python -m tests.benchmarks.probes
	@$(BIN)/python -m tests.benchmarks.rounds

docs: $(VENV)/.dev ## regenerate schemas, reference pages and the output of commands, then build the docs into site/
	@$(BIN)/python -m tests.generated --write
	@$(BIN)/python -m tests.docs.replay
	@$(BIN)/mkdocs build -q --strict -d site && echo "site/index.html"

lock: ## pin every dependency with its hashes (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --all-extras --group build pyproject.toml -o $(REQ)/run.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --all-extras --group dev pyproject.toml -o $(REQ)/dev.txt
	uv pip compile -q --python-version 3.11 --generate-hashes --no-emit-index-url $(REQ)/openstack.in -o $(REQ)/openstack.txt
	uv pip compile -q --python-version 3.11 --generate-hashes --no-emit-index-url $(REQ)/rucio.in -o $(REQ)/rucio.txt
	uv pip compile -q --python-version 3.11 --generate-hashes --no-emit-index-url $(REQ)/caso.in -o $(REQ)/caso.txt
	uv pip compile -q --python-version 3.11 --generate-hashes --no-emit-index-url $(REQ)/openbao.in -o $(REQ)/openbao.txt

clean: ## remove what make made
	rm -rf $(VENV) site sbom.json .demo .cache

$(VENV)/.run: $(REQ)/run.txt pyproject.toml
	@sh .ci/environment $(PYTHON) $(VENV) $(REQ)/run.txt && touch $@

$(VENV)/.dev: $(REQ)/dev.txt pyproject.toml
	@sh .ci/environment $(PYTHON) $(VENV) $(REQ)/dev.txt && touch $@ $(VENV)/.run
