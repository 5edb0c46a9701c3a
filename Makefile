# SPDX-License-Identifier: MIT
# The front door; the build itself is meson.build. Every target installs what it needs and this
# machine lacks (Debian packages, one line says which). `make help` lists the targets.
.DEFAULT_GOAL := build
.PHONY: flood soak planted coverage model build demo check check-all conformance conformance-probe drill-probe script-linux sizes sim prove fuzz bench bench-quick goodput \
  goodput-linux goodput-table format \
  install-deps release install clean help

build:             ## the library and the command, into build/tercet
	@tools/install-deps.sh build
	@tools/build.sh build

demo: build        ## a connection over a link that loses segments, to watch
	@./build/tercet demo

check:             ## everything quick, under ASan and UBSan: under two minutes
	@tools/install-deps.sh check
	@tools/check.sh

check-all:         ## the rest: other compilers and machines, interop, conformance, fuzzing
	@tools/install-deps.sh check-all
	@tools/check-all.sh $(STEPS)

conformance:       ## docs/conformance.md from the tags in code and tests
	@tools/install-deps.sh check
	@tools/rfcmap --write

conformance-probe: ## switch 20 MUSTs off, one by one: their tests must fail
	@tools/install-deps.sh check
	@tools/conformance-probe

planted:           ## plant mistakes that real stacks have made, one by one: the simulator must find them; FAULT=name
	@tools/install-deps.sh build
	@tools/planted $(if $(SECONDS),--seconds $(SECONDS)) $(FAULT)

drill-probe:       ## spoil what 20 packet scripts expect: each must fail then
	@tools/install-deps.sh build
	@tools/build.sh build
	@tools/drill-probe

script-linux:      ## the packet scripts on this machine's kernel, in real time (root)
	@tools/install-deps.sh build
	@tools/build.sh build
	@tools/script-linux

sizes:             ## the byte budgets of the records that a connection is made of
	@tools/install-deps.sh build
	@tools/sizes.sh

sim:               ## 10,000 random worlds, every invariant; SEEDS=A..B JOBS=n
	@tools/install-deps.sh build
	@tools/build.sh build
	@./build/tercet sim --seeds $(or $(SEEDS),1..10000) --jobs $(or $(JOBS),$(shell nproc)) --counts --floors

prove:             ## the proofs: z3, Frama-C, Spin, exhaustion; PARTS="lemmas model ..."
	@tools/install-deps.sh prove
	@prove/run $(PARTS)

fuzz:              ## libFuzzer, SECONDS=n a target (default one hour)
	@tools/install-deps.sh check-all
	@FUZZ_SECONDS=$${FUZZ_SECONDS:-$(or $(SECONDS),3600)} tools/fuzz

coverage:          ## lines and branches of core/ that unit tests and packet scripts reach
	@tools/install-deps.sh coverage
	@tools/coverage.sh

model:             ## the stack against a second TCP (docs/model.md); SEQUENCES=1000000 SEED=1
	@tools/install-deps.sh check
	@tools/model.sh $(or $(SEQUENCES),1000000) $(or $(SEED),1)

bench:             ## against lwIP, gVisor and the kernel, up to ten million connections (STORE=1)
	@tools/install-deps.sh bench
	@tools/bench $(if $(STORE),--store)

bench-quick:       ## the same in a minute: fewer rounds, no millions
	@tools/install-deps.sh bench
	@tools/bench --quick

flood:             ## 200,000 spoofed SYNs a second beside honest clients and a flow; SECONDS=10 RATE=n
	@tools/install-deps.sh build
	@tools/build.sh build-goodput -Dbench=true
	@./build-goodput/bench/bench_flood seconds=$(or $(SECONDS),10) rate=$(or $(RATE),200000)

soak:              ## against the kernel over TUN, both roles, with kill -9 (root); MINUTES=30
	@tools/install-deps.sh interop
	@tools/build.sh build
	@SOAK_SECONDS=$$(( $(or $(MINUTES),30) * 60 )) test/interop/soak.sh build

goodput:           ## speed over loss, reordering, stalls, in virtual time; ROWS=list SEEDS=n
	@tools/install-deps.sh build
	@tools/goodput $(if $(ROWS),--rows '$(ROWS)') $(if $(ALGOS),--algos $(ALGOS)) \
	  $(if $(SEEDS),--seeds $(SEEDS)) $(if $(STORE),--store)

goodput-linux:     ## the same of this machine's kernel, in real time (root); ROWS= ALGOS= SECONDS=
	@tools/install-deps.sh build
	@tools/goodput linux $(if $(ROWS),--rows '$(ROWS)') $(if $(ALGOS),--algos $(ALGOS)) \
	  $(if $(SECONDS),--seconds $(SECONDS))

goodput-table:     ## both side by side, into docs/performance.md
	@tools/install-deps.sh build
	@tools/goodput table

format:            ## clang-format over every C file
	@tools/install-deps.sh check-all
	@tools/format.sh

install-deps:      ## everything that any target needs, now
	@tools/install-deps.sh check-all

release:           ## the same with link-time optimization, into build-release/: what is installed and measured
	@tools/install-deps.sh build
	@tools/build.sh build-release -Db_lto=true

install: release   ## into the prefix that meson was given (DESTDIR is honoured)
	@meson install -C build-release --no-rebuild --quiet

clean:             ## away with all that was built
	@rm -rf build build-*

help:              ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## */\1\t/p' Makefile | expand -t 19
