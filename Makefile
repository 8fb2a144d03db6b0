# SPDX-License-Identifier: MIT
# The front door. Meson and ninja do the building, tools/ and tests/ the rest.
#   make             build build/linnet, and guest/drivers if their headers are in the cache (installs
#                    and downloads nothing; says what is missing)
#   make run         install what is missing, build, boot the default guest
#   make check       install what is missing, build, run the tests (check-fast, check-long: tiers)
#   make bench       the benchmarks    make fuzz   each fuzzer for FUZZ_SECONDS (600)
#   make install     to DESTDIR/PREFIX (/usr/local)    make deb    a Debian package in build/
.DEFAULT_GOAL := all
FUZZ_SECONDS ?= 600

.PHONY: all run check check-fast check-long bench fuzz install deb clean

build/build.ninja:
	@tools/deps.sh -n build
	@tools/builddir.sh release

all: build/build.ninja
	@tools/build.sh build
	@tools/drivers.sh build/linnet

run:
	@tools/deps.sh run
	@$(MAKE) --no-print-directory all
	@if [ -t 0 ]; then exec build/linnet run; else exec tools/demo.sh build/linnet; fi

check check-fast check-long:
	@tests/run.sh $(or $(patsubst check-%,%,$(filter check-%,$@)),check)

bench: all
	@ninja -C build --quiet meson-benchmark-prereq
	@meson test -C build --benchmark --verbose --no-rebuild

fuzz:
	@FUZZ_SECONDS=$(FUZZ_SECONDS) tests/run.sh long '^(build/)?fuzz'

install deb: build/build.ninja
	@tools/$@.sh $(if $(filter install,$@),$(PREFIX))

clean:
	rm -rf build build-gcc build-clang build-asan build-tsan build-cov build-fuzz
