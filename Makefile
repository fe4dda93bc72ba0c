# make          set up and build the program (build/noisescope)
# make demo     set up, build, and run the main job: train, sample, explain, report (runs/demo)
# make test     set up, build everything, run the default suite (minutes)
# make generated   write Python's types of options and answers anew, from the built module
# make test-slow   the checks labelled slow: a trained demo, all of verify (minutes more); CI runs both
.PHONY: all setup setup-test build demo build-all test test-slow generated clean
BUILD ?= build

all: build

setup:
	@bash tools/setup.sh

setup-test:
	@bash tools/setup.sh --test

$(BUILD)/build.ninja: | setup
	@cmake --preset default -B $(BUILD) >$(BUILD).log 2>&1 || { cat $(BUILD).log; rm -f $@; exit 1; }
	@rm -f $(BUILD).log

build: setup $(BUILD)/build.ninja
	@cmake --build $(BUILD) --target noisescope

demo: build
	$(BUILD)/noisescope demo --out runs/demo

build-all: setup-test $(BUILD)/build.ninja
	@cmake --build $(BUILD)

test: build-all
	@ctest --test-dir $(BUILD) --output-on-failure -j2 -LE slow

test-slow: build-all
	@ctest --test-dir $(BUILD) --output-on-failure -j2 -L slow

generated: build-all
	@for types in option answer; do \
	  .venv/bin/python tools/make_$${types}_types.py >$(BUILD)/types.py && \
	  mv $(BUILD)/types.py python/noisescope/_$${types}s.py || exit 1; done

clean:
	rm -rf $(BUILD)
