# The front door. Everything is built by CMake and Ninja (CMakePresets.json); `make help` lists what
# there is. Each target first makes sure that the packages it needs are installed (scripts/setup).

NODE ?=
PREFIX ?= /usr/local
STAGES ?=
BENCH ?=
FUZZ ?=
SOAK_SECONDS ?= 1200

.PHONY: help setup build run test soak bench fuzz install format lint clean
.DEFAULT_GOAL := build

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' Makefile

setup: ## install missing Debian packages
	@scripts/setup

build: setup ## compile the library, the program and the tests into build/
	@cmake --preset release $(if $(wildcard build/build.ninja),> /dev/null)
	@cmake --build --preset release

run: build ## start a Filecoin network on this machine (NODE="options of fvm node")
	build/fvm node $(NODE)

test: setup ## run all checks and tests (STAGES="asan tsan" for some of them)
	@scripts/test $(STAGES)

soak: build ## load on a node for SOAK_SECONDS (1200), and 200 kills under load
	test/clients/run build/fvm soak $(SOAK_SECONDS)
	FVM_FAULTS_KILLS=200 test/clients/run build/fvm faults

bench: build ## measure (BENCH="name" for some of it)
	@scripts/bench $(BENCH)

fuzz: setup ## fuzz every target for FUZZ_SECONDS (60) each (FUZZ="name" for one)
	@cmake --preset fuzz > /dev/null
	@cmake --build --preset fuzz
	@scripts/fuzz $(FUZZ)

install: build ## install headers, library, program and pkg-config file under PREFIX
	cmake --install build --prefix $(PREFIX)

format: setup ## format the C code
	git ls-files -z '*.c' '*.h' | xargs -0 clang-format-19 -i

lint: setup ## formatting, layers, clang-tidy
	scripts/check-format
	scripts/check-layers
	scripts/check-docs
	cmake --preset clang > /dev/null
	git ls-files 'src/*.c' | xargs -P $$(nproc) -n 8 clang-tidy-19 --quiet -p build-clang

clean: ## remove all build folders
	rm -rf build build-*
