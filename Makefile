# The book in two commands: `make book` (pages in _build/html) and `make test`. Both set up once, then need no network.
#   make chapter NAME=local_prototypes PROFILE=smoke    one page in seconds
#   make serve                                          look at the book in a browser
#   make zip                                            the pages as one archive that works from any static host
#   make notebooks | dist                               clean notebooks | the package, as wheel and as source
#   make setup | clean | lock                           install | remove what was made | pin the packages anew
#   make bench                                          measure what is fast, for the page on costs
# Another Python: make book PY=/path/to/python3.12

SHELL := /bin/bash
CANDIDATES := python3.13 python3.12 python3.11 python3 python
RUNS = import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
PY ?= $(shell for p in $(CANDIDATES); do $$p -c '$(RUNS)' >/dev/null 2>&1 && { echo $$p; break; }; done)
BIN := .venv/bin
PYTHON := $(BIN)/python
PROFILE ?= demo
PORT ?= 8000
export OMP_NUM_THREADS := 1

.PHONY: book test setup serve chapter notebooks zip dist release clean lock lint unit smoke replay pages bench
.DEFAULT_GOAL := book

setup: .venv/.done

.venv/.done: pyproject.toml constraints.txt
	@if [ -z "$(PY)" ]; then echo "No Python 3.11 or newer with venv was found (tried: $(CANDIDATES)). Install one," \
		"on Debian with its python3-venv package, or name it: make PY=/path/to/python3.12" >&2; exit 1; fi
	@$(PY) -c '$(RUNS)' || { echo "PY=$(PY) is not Python 3.11 or newer with venv" >&2; exit 1; }
	@[ -x $(PYTHON) ] || { echo "setting up .venv with $$($(PY) --version)"; $(PY) -m venv .venv; }
	$(PYTHON) -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[book,test,music]'
	@touch $@

book: setup
	@$(PYTHON) -m tools.execute --profile $(PROFILE)
	@$(PYTHON) -m tools.strip

chapter: setup
	@if [ -z "$(NAME)" ]; then echo "name a chapter: make chapter NAME=local_prototypes PROFILE=smoke" >&2; exit 2; fi
	@$(PYTHON) -m tools.execute --profile $(PROFILE) --only $(NAME)

notebooks: setup
	@$(PYTHON) -m tools.strip

zip: book
	@$(PYTHON) -m tools.archive

dist: setup
	@rm -rf build _build/dist && mkdir -p _build/dist
	@$(PYTHON) -c "from setuptools import build_meta as b; b.build_sdist('_build/dist'); b.build_wheel('_build/dist')" >/dev/null
	@rm -rf build && ls _build/dist/*

# All that a release publishes, after all that has to pass; the steps are in CHANGELOG.md.
release: test zip dist

serve:
	@[ -f _build/html/index.html ] || { echo "no pages yet: make book" >&2; exit 1; }
	@echo "http://localhost:$(PORT)/"
	@$(PYTHON) -m http.server --bind 127.0.0.1 --directory _build/html $(PORT)

test: lint unit smoke replay pages

lint: setup
	$(PYTHON) -m ruff check .

unit: lint
	@$(PYTHON) -m tools.loopback
	$(PYTHON) -m pytest tests --ignore=tests/pages -n 2 -q

# Every chapter at smoke, rendered; then each notebook once more in a fresh kernel; then a browser looks at the pages.
smoke: unit
	@$(PYTHON) -m tools.execute --profile smoke

replay: smoke
	$(PYTHON) -m pytest --nbval-lax --nbval-current-env --nbval-cell-timeout=300 \
		--nbval-sanitize-with tests/nbval.cfg -n 2 --dist loadfile -q _build/stage/smoke/book

pages: smoke
	$(PYTHON) -m pytest tests/pages -q

# Some minutes on an idle machine; writes results/benchmarks, which the book's page on costs reads.
bench: setup
	@for name in features explain training worlds global_and_local raw_waveform search concepts glimpses; do \
		$(PYTHON) -m benchmarks.$$name || exit 1; done

# In an environment of its own, so that nothing else that was installed gets pinned. UPGRADE=1 looks for newer versions.
lock:
	rm -rf _build/lock && $(PY) -m venv _build/lock
	_build/lock/bin/python -m pip install -q --disable-pip-version-check $(if $(UPGRADE),,-c constraints.txt) \
		-e '.[book,test,music]'
	@{ echo "# The exact versions this book was built and tested with; \`make lock\` writes this file again."; \
		_build/lock/bin/python -m pip freeze --exclude-editable | grep -v '^pip==' | sed 's/+cpu//' | LC_ALL=C sort -f; \
		} > constraints.new && mv constraints.new constraints.txt && rm -rf _build/lock

clean:
	rm -rf _build .pytest_cache .ruff_cache
