# make          set up and build the program (build/noisescope)
# make demo     set up, build, and run the main job: train, sample, explain, report (runs/demo)
# make test     set up, build everything, run the default suite (minutes)
# make generated   write Python's types of options and answers anew, from the built module
# make test-slow   the checks labelled slow: a trained demo, all of verify (minutes more)
# make lint        formatting, include directions, ruff, clang-tidy on what changed (CHANGES=--all: on everything)
# make test-core test-single test-sanitize   the other presets: LibTorch alone, each source alone, ASan and UBSan
# make docs        the documentation site, in build/site; make docs-show serves it at localhost:8000
# What CI runs: .ci/run
.PHONY: all setup setup-test setup-lint build demo build-all test test-slow lint test-core test-single test-sanitize \
  docs docs-show generated clean
BUILD ?= build
PRESET ?= default
TESTS ?= $(shell expr 1 + `nproc`)   # side by side: one more than cores, since some wait for a browser

all: build

setup:
	@bash tools/setup.sh

setup-test:
	@bash tools/setup.sh --test

setup-lint:
	@bash tools/setup.sh --lint

$(BUILD)/build.ninja: | setup
	@cmake --preset $(PRESET) -B $(BUILD) >$(BUILD).log 2>&1 || { cat $(BUILD).log; rm -f $@; exit 1; }
	@rm -f $(BUILD).log

build: setup $(BUILD)/build.ninja
	@cmake --build $(BUILD) --target noisescope

demo: build
	$(BUILD)/noisescope demo --out runs/demo

build-all: setup-test $(BUILD)/build.ninja
	@cmake --build $(BUILD)

test: build-all
	@ctest --test-dir $(BUILD) --output-on-failure -j$(TESTS) -LE 'slow|gpu'

test-slow: build-all
	@cmake --build $(BUILD) --target fuzz_all
	@ctest --test-dir $(BUILD) --output-on-failure -j2 -L slow

lint: setup setup-lint
	@.venv/bin/python tools/lint.py $(CHANGES)

test-core: setup
	@cmake --preset core >/dev/null && cmake --build --preset core

test-single: setup-test setup-lint
	@cmake --preset single >/dev/null
	@.venv/bin/python tools/check_single.py build-single

# The modules whose tests take seconds; what takes minutes above them calls the same code.
SANITIZED := core io io_codec stats diffusion nn world viz data train clip model explain explain_metric evaluate
test-sanitize: setup-test
	@cmake --preset sanitize >/dev/null && cmake --build --preset sanitize --target $(SANITIZED:%=%_test)
	@ctest --test-dir build-sanitize --output-on-failure -j2 -R "^($(subst $() ,|,$(SANITIZED)))$$"

docs: build
	@bash tools/setup.sh --docs
	@NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --quiet && doxygen docs/Doxyfile
	@echo "docs: build/site/index.html"

docs-show: docs
	@.venv/bin/python -m http.server --directory build/site 8000

generated: build-all
	@for types in option answer; do \
	  .venv/bin/python tools/make_$${types}_types.py >$(BUILD)/types.py && \
	  mv $(BUILD)/types.py python/noisescope/_$${types}s.py || exit 1; done

clean:
	rm -rf $(BUILD)
