# Every target sets up what it needs; a second run downloads nothing. `make help` lists them.
#   RELEASE=default|emr-7.13.0   which locked environment to use
#   ARGS="..."                   handed to pytest, or to the benchmarks
#   WORKERS=3                    test processes side by side
#   DATA=folder                  where the benchmark data lies
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

RELEASE ?= default
WORKERS ?= 3
PYTHON ?= $(shell command -v python3.11 || command -v python3)
ifeq ($(RELEASE),default)
VENV := .venv
else
VENV := .venv-$(RELEASE)
endif
BIN := $(VENV)/bin
UV := .toolchain/uv/bin/uv
SYNCED := $(VENV)/.synced
export PYTHONPATH := $(CURDIR)
export PYTHONDONTWRITEBYTECODE := 1
# Taken when a recipe runs: only then is the toolchain there. Empty when the machine has a fitting Java of its own.
JAVA = export JAVA_HOME="$$($(BIN)/python -m deploy.laptop.toolchain java)"; export PYSPARK_PYTHON="$(CURDIR)/$(BIN)/python"; \
	export PATH="$(CURDIR)/$(BIN):$$PATH"
JARS = $(BIN)/python -m deploy.laptop.jars $(RELEASE)/delta $(RELEASE)/s3a

.PHONY: help setup demo test lint airflow format bench package lock clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  %-9s %s\n", $$1, $$2}'

$(UV):
	@test -n "$(PYTHON)" || { echo "make: Python 3.11 is needed (python3.11 or python3 on PATH)" >&2; exit 2; }
	$(PYTHON) -m venv .toolchain/uv
	.toolchain/uv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt

$(VENV)/.synced: requirements/$(RELEASE).txt | $(UV)
	@test -x $(BIN)/python || $(UV) venv --quiet --python 3.11 $(VENV)
	@# Compiled once: otherwise each process compiles what it imports, and an import takes twice as long.
	$(UV) pip sync --quiet --require-hashes --compile-bytecode --python $(BIN)/python requirements/$(RELEASE).txt
	@# The checkout itself, without a build: entry files and the lakejobs command find common, jobs and deploy.
	@# Spark gives its workers PySpark as a zip too, the same that is installed here: Python reads the listing of a zip
	@# anew for each task, which takes as long as the task.
	@$(BIN)/python -c "import sysconfig, pathlib; \
	  pathlib.Path(sysconfig.get_path('purelib'), 'lakejobs-checkout.pth').write_text('$(CURDIR)\n' \
	  'import sys; sys.path[:] = [p for p in sys.path if not p.endswith((\"/pyspark.zip\", \"-src.zip\"))]; ' \
	  '[sys.path_importer_cache.pop(p) for p in [*sys.path_importer_cache] if p.endswith((\"/pyspark.zip\", \"-src.zip\"))]\n')"
	@printf '#!%s\nimport sys\nfrom deploy.cli import main\nsys.exit(main())\n' "$(CURDIR)/$(BIN)/python" > $(BIN)/lakejobs
	@chmod +x $(BIN)/lakejobs
	@touch $@

setup: $(SYNCED) ## the environment, the pinned jars and, where the machine has none, a JDK
	@$(JAVA); $(JARS); $(BIN)/python -m deploy.laptop.class_archive $(RELEASE)

demo: setup ## run the main jobs on the bundled real samples and show where the reports lie
	@$(JAVA); $(BIN)/python -m deploy.laptop.demo $(ARGS)

test: setup ## all tests (RELEASE=emr-7.13.0 for the second lock)
	@$(JAVA); $(BIN)/python -m deploy.laptop.jars s3proxy minicluster
	@$(JAVA); $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

lint: $(SYNCED) lint-infra ## style, types, import rules, shell scripts, templates, policies
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/shellcheck $$(git ls-files 'bootstrap/*.sh' '.ci/run')

# Templates and policies are checked by tools that know AWS, in an environment of their own: 160 MB that no test needs.
# No log group is given: parliament knows no resource of logs:DescribeLogGroups.
INFRA := .venv-infra/bin
POLICY = $(BIN)/python -m deploy.cli policy --lake s3://shop-lake/lake --artifacts s3://shop-code/lakejobs --region us-east-1 \
	--account 111122223333 --kms-key arn:aws:kms:us-east-1:111122223333:key/1234abcd --secret lakejobs/pseudonyms \
	--input s3://shop-landing/events --logs s3://shop-logs/emr --glue

.PHONY: lint-infra
lint-infra: $(SYNCED)
	@$(MAKE) RELEASE=infra .venv-infra/.synced
	@mkdir -p build/policies
	@$(POLICY) '*' > build/policies/all.json 2> /dev/null
	@$(POLICY) clickstream.ingest --session > build/policies/session.json
	$(INFRA)/cfn-lint deploy/templates/*.yaml
	$(INFRA)/parliament --directory build/policies
	@for policy in all session; do \
	  $(INFRA)/cloudsplaining scan-policy-file --input-file build/policies/$$policy.json | grep "no results found" || \
	    { echo "cloudsplaining objects to build/policies/$$policy.json" >&2; exit 1; }; done

# The DAG files of `lakejobs graph --format airflow`, parsed and run by Airflow: 272 MB that no other check needs.
airflow: $(SYNCED) ## export DAG files, and let Airflow parse and run them
	@$(MAKE) RELEASE=airflow .venv-airflow/.synced
	@$(BIN)/python tests/support/airflow_dags.py build/airflow 2> /dev/null
	@.venv-airflow/bin/python tests/support/airflow_check.py build/airflow

format: $(SYNCED) ## put the code into the house style
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format --quiet .

bench: RELEASE := bench
bench: ## measure and rewrite docs/benchmarks.md (DATA=folder)
	@$(MAKE) bench-run RELEASE=bench

.PHONY: bench-run
bench-run: $(SYNCED)
	@$(JAVA); $(BIN)/python -m deploy.laptop.jars default/delta default/s3a; $(BIN)/python -m benchmarks $(ARGS)

package: $(SYNCED) ## the reproducible zip, entry files, bootstrap action and manifest in dist/
	@$(BIN)/python -m deploy.package.build $(ARGS)

lock: $(UV) ## resolve the requirement locks anew
	@for name in default emr-7.13.0 bench infra airflow uv jdk; do \
	  $(UV) pip compile --quiet --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url \
	    --upgrade requirements/$$name.in --output-file requirements/$$name.txt; done
	@# What is shipped to clusters: the run-time closure alone, at the versions that the tests ran on.
	@for name in default emr-7.13.0; do \
	  $(UV) pip compile --quiet --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url \
	    --upgrade --constraint requirements/$$name.txt requirements/run.in --output-file requirements/run-$$name.txt; done

clean: ## remove what was built or run, keep what was downloaded
	rm -rf build dist lake .mypy_cache .ruff_cache .pytest_cache .hypothesis
