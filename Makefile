# One command each, from a bare clone: make test, make report, make lab. PYTHON names another interpreter, OUT another report folder,
# JOBS how many notebooks run side by side (their threads are THREADS): two with one thread each beat one with two on two cores.
PYTHON ?= python3
VENV ?= .venv
OUT ?= reports
PROFILE ?= full
JOBS ?= 2
THREADS ?= 1
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: setup test report lab lint clean help
help:
	@echo "make test     set up and run the tests (about a quarter of an hour on 2 cores)"
	@echo "make report   set up, execute the notebooks (PROFILE=full) and leave $(OUT)/index.html"
	@echo "make lab      set up and open JupyterLab on the notebooks"

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	@echo "== setting up $(VENV) (a few minutes the first time)"
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --progress-bar off -c constraints.txt -e ".[test]"
	touch $(READY)

test: setup
	$(BIN)/python -m pytest -m "not slow" -n 2 --dist loadfile --no-loadscope-reorder --durations=15

report: setup
	AVLAB_RENDERED=$(OUT)/.rendered $(BIN)/avlab run --profile $(PROFILE) --out $(OUT) --jobs $(JOBS) --threads $(THREADS) --resume
	rm -rf $(OUT)/.rendered
	@echo "== open $(OUT)/index.html"

lab: setup
	$(BIN)/avlab build --check
	$(BIN)/jupyter lab --notebook-dir=notebooks

lint: setup
	$(BIN)/ruff check avlab tests notebooks/src

clean:
	rm -rf $(VENV) $(OUT) .pytest_cache
