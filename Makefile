# nsqref. `make help` lists the targets. A newcomer needs only `make run` and `make check`.
#
# The variants. Each has its own folder, so that their objects never mix:
#   make            gcc -O2 -g, hardened              build/
#   make CC=clang   the same with clang               build/clang/
#   make SAN=1      ASan and UBSan                    build/san/
#   make COV=1      coverage, without asserts         build/cov/
#   make MSAN=1     clang's MSan                      build/msan/
#   make FUZZ=...   the fuzz targets for an engine    build/fuzz/.../ (asan, plain, merge: libFuzzer;
#                   with and without sanitizers                      afl, afl-asan, afl-cmplog: AFL++)
# CFLAGS, CXXFLAGS, CPPFLAGS, LDFLAGS and BUILD may be given as well. When the flags differ from last time, everything
# is rebuilt. PREFIX and DESTDIR of `make install` may contain any character but '$'.
# V=1 shows the commands.

ifeq ($(origin CC),default)
CC := gcc
endif
ifneq ($(filter asan plain merge,$(FUZZ))$(MSAN),)
CC := clang
else ifneq ($(filter afl%,$(FUZZ)),)
CC := $(shell ci/afl-cc)
export AFL_QUIET := 1
ifeq ($(FUZZ),afl-cmplog)
export AFL_LLVM_CMPLOG := 1
endif
endif
CC_NAME := $(if $(findstring clang,$(CC)),clang,gcc)
# For the files that call a C++ library (src/auth/auth_re2.cc, src/program/toml.cc).
ifeq ($(origin CXX),default)
CXX := $(if $(filter clang,$(CC_NAME)),clang++,g++)
endif
PREFIX ?= /usr/local
CFLAGS ?= -O2 -g
CXXFLAGS ?= $(CFLAGS)
VERSION = $(shell sed -n 's/.*define NSQREF_VERSION "\(.*\)".*/\1/p' include/nsq/version.h)

.DEFAULT_GOAL := all
MAKEFLAGS += --no-print-directory --no-builtin-rules
.DELETE_ON_ERROR:

# --- the variant ---------------------------------------------------------------------------------

# -g1 keeps the names of functions and the lines, which the reports of sanitizers show; a fifth faster than -g. For a
# debugger, CC=gcc and CC=clang have -g.
SANITIZERS := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
ifdef FUZZ
BUILD ?= build/fuzz/$(FUZZ)
OPTIMISED_merge := -O0
VARIANT := $(or $(OPTIMISED_$(FUZZ)),-O2) -g1
# Without two of UBSan's checks of each pointer, whose comparisons the fuzzers would trace for a third of the time.
# ASan notices NULL as well, and the replay of the corpora (SAN=1) has these checks.
VARIANT += $(if $(filter %asan,$(FUZZ)),$(SANITIZERS) -fno-sanitize=null -fno-sanitize=alignment)
ifneq ($(filter asan plain merge,$(FUZZ)),)
COUNTED := -fsanitize=fuzzer-no-link
VARIANT += $(COUNTED)
# Tracing of comparisons costs a quarter of the speed under sanitizers. The plain build and AFL++'s CMPLOG do it.
VARIANT += $(if $(filter asan,$(FUZZ)),-fno-sanitize-coverage=trace-cmp)
endif
else ifdef MSAN
BUILD ?= build/msan
VARIANT := -O1 -g1 -fsanitize=memory -fsanitize-memory-track-origins -fno-omit-frame-pointer
else ifdef SAN
BUILD ?= build/san$(if $(filter clang,$(CC_NAME)),-clang)
VARIANT := -O1 -g1 $(SANITIZERS)
else ifdef COV
# Without asserts: no test can take an assert's failing branch, and a line that only asserts would
# count as covered. If an assert has a side effect, a test fails here.
BUILD ?= build/cov
VARIANT := -O0 -g1 --coverage -DSRC_WITHOUT_ASSERTS
SRC_ONLY := -DNDEBUG
else
BUILD ?= build$(if $(filter clang,$(CC_NAME)),/clang)
VARIANT := $(CFLAGS)
VARIANT_CXX := $(CXXFLAGS)
# _FORTIFY_SOURCE needs optimisation: the last -O counts. A level that the caller gives stays.
fortify = $(if $(findstring _FORTIFY_SOURCE,$(1) $(CPPFLAGS)),,$(if $(filter-out -O0,$(lastword $(filter \
    -O%,$(1)))),-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2))
HARDENED := $(call fortify,$(CFLAGS))
HARDENED_CXX := $(call fortify,$(CXXFLAGS))
endif
VARIANT_CXX ?= $(VARIANT)

# Tests and benchmarks are linked by gold where it is installed: it takes half the time, and there are many of them.
LINKER := $(if $(shell command -v ld.gold 2>/dev/null),-fuse-ld=gold)

# Warnings are errors with the compilers that CI uses (Debian 12's). With other compilers they are not,
# so that a new warning of a newer compiler does not stop a newcomer. WERROR=1 and WERROR=0 override this.
WERROR ?= $(if $(filter 12 14,$(shell $(CC) -dumpversion 2>/dev/null | cut -d. -f1)),1,0)

WARN := -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes \
    $(if $(filter 1,$(WERROR)),-Werror)
CPPFLAGS_ALL := -std=c11 -D_POSIX_C_SOURCE=200809L -Isrc -Iinclude -isystem /usr/share/include/llhttp $(CPPFLAGS)
CFLAGS_ALL := $(CPPFLAGS_ALL) $(WARN) -fstack-protector-strong $(HARDENED) $(VARIANT)
# clang's check of indirect calls needs UBSan's runtime for C++, which a link by a C compiler does not have.
CXX_RUNTIME := $(if $(filter clang,$(CC_NAME)),$(if $(findstring undefined,$(VARIANT_CXX)),-fno-sanitize=function))
CXXFLAGS_ALL := -std=c++17 -fno-exceptions -fno-rtti -Isrc $(CPPFLAGS) $(filter-out -Wstrict-prototypes,$(WARN)) \
    -fstack-protector-strong $(HARDENED_CXX) $(VARIANT_CXX) $(CXX_RUNTIME)
LDFLAGS_ALL := $(VARIANT) -pie -Wl,-z,relro,-z,now $(LDFLAGS)

# Evaluated when something is linked, not earlier: ci/setup may have to install the packages first.
PKGS := yajl libutf8proc libmd zlib openssl re2
# RE2 needs C++'s library.
PKG_LIBS = -lsnappy -lstdc++ $(or $(shell pkg-config --libs $(PKGS)),$(error packages are missing: ci/setup run))

# --- what there is -------------------------------------------------------------------------------

# One archive for each layer, from the top down, which is the order for the linker.
LIBS := nsqconform nsqsessionfile nsqdcli nsqlookupdcli nsqprogram nsqshell nsqengine nsqlookup nsqapi nsqpeer nsqsession nsqidentify nsqauth nsqhttp nsqjson nsqserve nsqtls \
    nsqcodec nsqbroker nsqstore nsqproto nsqbase
SRC_nsqdcli := $(filter-out src/nsqd/main.c,$(wildcard src/nsqd/*.c))
SRC_nsqlookupdcli := $(filter-out src/nsqlookupd/main.c,$(wildcard src/nsqlookupd/*.c))
SRC_nsqprogram := $(wildcard src/program/*.c src/program/*.cc)
MAINS := $(wildcard src/nsqd/main.c src/nsqlookupd/main.c src/conform/main.c src/conform/record_main.c src/conform/vectors_main.c)
# Session files are an archive of their own, because a fuzz target uses no more of src/conform.
SRC_nsqsessionfile := $(wildcard src/conform/session_file*.c) src/conform/values.c
SRC_nsqconform := $(filter-out $(MAINS) $(SRC_nsqsessionfile),$(wildcard src/conform/*.c))
SRC_nsqshell := $(wildcard src/shell/*.c)
SRC_nsqengine := $(wildcard src/engine/*.c)
SRC_nsqlookup := $(wildcard src/lookup/*.c)
SRC_nsqapi := $(wildcard src/api/*.c)
SRC_nsqpeer := $(wildcard src/peer/*.c)
SRC_nsqsession := $(filter-out src/session/identify%,$(wildcard src/session/*.c))
SRC_nsqidentify := $(wildcard src/session/identify*.c)
SRC_nsqauth := $(wildcard src/auth/*.c src/auth/*.cc)
SRC_nsqhttp := $(wildcard src/http/*.c)
SRC_nsqjson := $(wildcard src/json/*.c)
SRC_nsqserve := $(wildcard src/serve/*.c)
# TLS is an archive of its own, because it links OpenSSL.
SRC_nsqtls := $(wildcard src/codec/tls*.c)
SRC_nsqcodec := $(filter-out src/codec/tls%,$(wildcard src/codec/*.c))
SRC_nsqbroker := $(wildcard src/broker/*.c)
SRC_nsqstore := $(wildcard src/store/*.c)
SRC_nsqproto := $(wildcard src/proto/*.c)
SRC_nsqbase := $(wildcard src/base/*.c)

# Fuzz targets link only these layers, so that a build of a few targets compiles little.
FUZZ_LIBS := $(filter-out nsqconform nsqsessionfile nsqdcli nsqlookupdcli nsqprogram nsqshell nsqtls,$(LIBS))
FUZZ_LIBS_sessionfile := nsqsessionfile nsqtls
FUZZ_LIBS_toml := nsqdcli nsqprogram nsqshell nsqtls
# Fuzz targets: with FUZZ they have the fuzzing engine's main, else fuzz/main.c, which replays inputs.
FUZZERS := $(patsubst fuzz/fuzz_%.c,%,$(wildcard fuzz/fuzz_*.c))
FUZZ_ALONE := fuzz/main.c fuzz/mutator_afl.c
FUZZ_SUPPORT := $(filter-out fuzz/fuzz_%.c $(FUZZ_ALONE),$(wildcard fuzz/*.c)) $(if $(FUZZ),,fuzz/main.c)
# The targets that run no library's code: MSan must see every write.
FUZZERS_MSAN := $(filter-out peer nsqlookupd identify metadata auth_reply session upgrade engine deflate snappy toml query http_request http_api,$(FUZZERS))

TESTS := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/test_*.c))
SUPPORT := $(wildcard tests/support/*.c)
# Shared by the clients of servers under load. All other files of tests/bench are programs.
LOAD_SHARED := tests/bench/peer.c tests/bench/process.c
SOAK := $(wildcard tests/soak/*.c)
# A library that is preloaded into a server, which makes system calls fail.
FAULTS := tests/soak/faults/inject.c
# Another one, which measures the processor time of a server's turns.
TURNS := tests/soak/turns/turns.c
BENCHES := $(patsubst tests/bench/%.c,%,$(filter-out $(LOAD_SHARED),$(wildcard tests/bench/*.c)))
# The file with main(), for each program.
MAIN_nsqd := src/nsqd/main.c
MAIN_nsqlookupd := src/nsqlookupd/main.c
MAIN_nsq-conform := src/conform/main.c
MAIN_nsq-record := src/conform/record_main.c
MAIN_nsq-vectors := src/conform/vectors_main.c
PROGRAMS := $(foreach p,nsqd nsqlookupd nsq-conform nsq-record nsq-vectors,$(if $(wildcard $(MAIN_$(p))),$(p)))

# llhttp: Debian has a package of its C sources, but no library.
LLHTTP := /usr/share/llhttp
LLHTTP_OBJECTS := $(foreach f,api http llhttp,$(BUILD)/obj/llhttp/$(f).o)

ARCHIVES := $(LIBS:%=$(BUILD)/lib%.a) $(BUILD)/libllhttp.a
object = $(patsubst %,$(BUILD)/obj/%.o,$(basename $(1)))
SOURCES := $(foreach l,$(LIBS),$(SRC_$(l))) $(MAINS) $(SUPPORT) \
    $(TESTS:%=tests/unit/%.c) $(BENCHES:%=tests/bench/%.c) $(LOAD_SHARED) $(SOAK) $(FAULTS) $(TURNS) $(wildcard tests/interop/*.c) $(wildcard fuzz/*.c)

.PHONY: all help run fmt install install-lib uninstall clean ci libs objects programs tests fuzzers benches soak-client FORCE

## all              build the libraries, the programs, the unit tests, the fuzz targets, the benchmarks and the soak's client
all: libs programs tests fuzzers benches soak-client
libs: $(ARCHIVES)
# All that is compiled, without the links, which take a quarter of the time: for the compiler's warnings.
objects: $(call object,$(SOURCES)) libs
programs: $(PROGRAMS:%=$(BUILD)/%)
tests: $(TESTS:%=$(BUILD)/tests/%)
benches: $(BENCHES:%=$(BUILD)/bench/%)
soak-client: $(BUILD)/soak/soak
fuzzers: $(patsubst %,$(BUILD)/fuzz_%,$(if $(MSAN),$(FUZZERS_MSAN),$(FUZZERS)))

# --- how it is built -----------------------------------------------------------------------------

Q := $(if $(V),,@)
say = $(if $(V)$(findstring s,$(firstword -$(MAKEFLAGS))),,@printf '  %-5s %s\n' $(1))

# Files that contain the flags and the list of sources. They are rewritten, and so become newer, only on a change.
# -Werror changes no object.
same = @mkdir -p $(@D); printf '%s\n' '$(subst ','\'',$(1))' >$@.new; \
    if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi
$(BUILD)/.flags: FORCE
	$(call same,$(filter-out -Werror,$(CC) $(CFLAGS_ALL) $(CXX) $(CXXFLAGS_ALL) $(SRC_ONLY) $(LDFLAGS_ALL)))
$(BUILD)/.sources: FORCE
	$(call same,$(SOURCES))
FORCE:

# All code is position-independent; the public library can also become part of a shared object.
PIC := -fPIE
$(BUILD)/obj/src/proto/%.o: PIC := -fPIC

$(BUILD)/obj/src/%.o: src/%.c $(BUILD)/.flags
	@mkdir -p $(@D)
	$(call say,CC $@)
	$(Q)$(CC) $(CFLAGS_ALL) $(SRC_ONLY) $(PIC) -MMD -MP -c -o $@ $<

$(BUILD)/obj/src/%.o: src/%.cc $(BUILD)/.flags
	@mkdir -p $(@D)
	$(call say,CXX $@)
	$(Q)$(CXX) $(CXXFLAGS_ALL) $(SRC_ONLY) $(PIC) -MMD -MP -c -o $@ $<

$(BUILD)/obj/tests/%.o: tests/%.c $(BUILD)/.flags
	@mkdir -p $(@D)
	$(call say,CC $@)
	$(Q)$(CC) $(CFLAGS_ALL) -Itests -Ifuzz $(PIC) -MMD -MP -c -o $@ $<

# Some of these files also become a shared object for AFL++.
$(BUILD)/obj/fuzz/%.o: PIC := -fPIC

# The targets' own code is not instrumented: it is not to be explored, and counting its edges and comparisons
# would cost half the speed.
$(BUILD)/obj/fuzz/%.o: fuzz/%.c $(BUILD)/.flags
	@mkdir -p $(@D)
	$(call say,CC $@)
	$(Q)$(CC) $(filter-out $(COUNTED),$(CFLAGS_ALL)) -Ifuzz -Itests $(PIC) -MMD -MP -c -o $@ $<

define archive
$(BUILD)/lib$(1).a: $(call object,$(SRC_$(1))) $(BUILD)/.sources
	$$(call say,AR $$@)
	@rm -f $$@
	$(Q)$(AR) rcsD $$@ $(call object,$(SRC_$(1)))
endef
$(foreach l,$(LIBS),$(eval $(call archive,$(l))))

$(BUILD)/obj/llhttp/%.o: $(LLHTTP)/%.c $(BUILD)/.flags
	@mkdir -p $(@D)
	$(call say,CC $@)
	$(Q)$(CC) -std=c11 -w -isystem /usr/share/include/llhttp $(CPPFLAGS) -fstack-protector-strong $(HARDENED) $(VARIANT) -fPIE -c -o $@ $<

$(BUILD)/libllhttp.a: $(LLHTTP_OBJECTS)
	$(call say,AR $@)
	@rm -f $@
	$(Q)$(AR) rcsD $@ $^

define program
$(BUILD)/$(1): $(call object,$(MAIN_$(1))) $(ARCHIVES)
	$$(call say,LD $$@)
	$$(Q)$$(CC) $$(LDFLAGS_ALL) -o $$@ $$^ $$(PKG_LIBS)
endef
$(foreach p,$(PROGRAMS),$(eval $(call program,$(p))))

$(BUILD)/tests/%: $(BUILD)/obj/tests/unit/%.o $(call object,$(SUPPORT)) $(ARCHIVES)
	@mkdir -p $(@D)
	$(call say,LD $@)
	$(Q)$(CC) $(LDFLAGS_ALL) $(LINKER) -o $@ $(filter %.o,$^) $(filter %.a,$^) -lcmocka $(PKG_LIBS)
# This test counts the calls of the allocator. Private: with these flags in .flags all would be built again.
$(BUILD)/tests/test_gates: private LDFLAGS_ALL += -Wl,--wrap=alloc_zeroed,--wrap=alloc_resize,--wrap=alloc_free
# This one counts what an answer of an auth server costs.
$(BUILD)/tests/test_auth_slices: private LDFLAGS_ALL += \
    -Wl,--wrap=json_reader_add,--wrap=auth_re2_new,--wrap=auth_re2_matches
$(BUILD)/tests/test_mutator: $(call object,fuzz/mutator.c fuzz/mutator_split.c fuzz/ops.c fuzz/fuzz.c)

# This one shares its plain tables with the fuzz target `lookup`.
$(BUILD)/tests/test_registry: $(call object,fuzz/registry_model.c fuzz/fuzz.c)

$(BUILD)/bench/%: $(BUILD)/obj/tests/bench/%.o $(ARCHIVES)
	@mkdir -p $(@D)
	$(call say,LD $@)
	$(Q)$(CC) $(LDFLAGS_ALL) $(LINKER) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(PKG_LIBS)
$(BUILD)/bench/load $(BUILD)/bench/start $(BUILD)/bench/http: $(call object,$(LOAD_SHARED))

# regexp compares our regular expressions with Go's; diskqueue copies the disk queues of upstream's nsqd.
$(BUILD)/interop/%: $(BUILD)/obj/tests/interop/%.o $(ARCHIVES)
	@mkdir -p $(@D)
	$(call say,LD $@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS)

$(BUILD)/soak/soak: $(call object,$(SOAK) $(LOAD_SHARED)) $(ARCHIVES) | $(BUILD)/soak/faults.so $(BUILD)/soak/turns.so
	@mkdir -p $(@D)
	$(call say,LD $@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS)

# They define functions of libc that _FORTIFY_SOURCE defines as inline functions.
$(BUILD)/obj/tests/soak/faults/%.o $(BUILD)/obj/tests/soak/turns/%.o: PIC := -fPIC -U_FORTIFY_SOURCE
$(BUILD)/soak/faults.so: $(call object,$(FAULTS))
$(BUILD)/soak/turns.so: $(call object,$(TURNS))
$(BUILD)/soak/%.so:
	@mkdir -p $(@D)
	$(call say,LD $@)
	$(Q)$(CC) $(filter-out -pie,$(LDFLAGS_ALL)) -shared -o $@ $^

# In the order of LIBS, which is the order for the linker.
define fuzzer
$(BUILD)/fuzz_$(1): $(call object,fuzz/fuzz_$(1).c $(FUZZ_SUPPORT)) \
    $(patsubst %,$(BUILD)/lib%.a,$(filter $(FUZZ_LIBS) $(FUZZ_LIBS_$(1)),$(LIBS)) llhttp)
	$$(call say,LD $$@)
	$$(Q)$$(CC) $$(LDFLAGS_ALL) $$(if $$(FUZZ),-fsanitize=fuzzer,$$(LINKER)) -o $$@ $$^ $$(PKG_LIBS)
endef
$(foreach t,$(FUZZERS),$(eval $(call fuzzer,$(t))))
# This target has the tests' disk.
$(BUILD)/fuzz_store: $(call object,tests/support/sim_disk.c)

# AFL++ loads it into its own process. So it is built by the normal compiler, without a sanitizer.
$(BUILD)/mutator_afl.so: $(call object,fuzz/mutator.c fuzz/mutator_split.c fuzz/mutator_afl.c fuzz/ops.c fuzz/fuzz.c) $(BUILD)/libnsqproto.a
	$(call say,LD $@)
	$(Q)$(CC) $(filter-out -pie,$(LDFLAGS_ALL)) -shared -o $@ $^

# These tests start the program.
$(BUILD)/tests/test_program $(BUILD)/tests/test_program_net $(BUILD)/tests/test_program_tls \
    $(BUILD)/tests/test_program_http: | $(BUILD)/nsqd
$(BUILD)/tests/test_program_lookupd: | $(BUILD)/nsqlookupd
# This test starts other tests.
$(BUILD)/tests/test_dispositions: | $(addprefix $(BUILD)/tests/,test_program test_signals test_spawn test_machine test_auth_server)

.SECONDARY:
-include $(patsubst %.o,%.d,$(call object,$(SOURCES)))

# --- what people type ----------------------------------------------------------------------------

# The stages choose their variants and their number of jobs themselves. `exec`: a signal to make reaches the script.
ALONE := @exec env -u MAKEFLAGS -u MFLAGS -u SAN -u COV -u CC -u CXX -u BUILD -u CFLAGS -u CXXFLAGS -u CPPFLAGS \
    -u LDFLAGS -u MSAN

help:
	@sed -n 's/^## /  make /p' $(firstword $(MAKEFILE_LIST))
	@sed -n 's/^\([a-z-]*\) .*## /\1 /p' ci/stages | while read -r name help; do \
	    printf '  make %-16s %s\n' "$$name" "$$help"; done

## run              install what is missing, build and start nsqd on 4150 (ARGS="..." adds flags)
run:
	@ci/setup run
	@$(MAKE) programs
	@mkdir -p $(BUILD)/data
	@exec $(BUILD)/nsqd --data-path=$(BUILD)/data $(ARGS)

## fmt              format the C files in place
fmt:
	clang-format -i $$(find src include tests fuzz -name '*.[ch]' -o -name '*.cc' 2>/dev/null)

# The scripts of ci/ as targets.
STAGES := $(shell sed -n 's/^\([a-z-]*\) .*/\1/p' ci/stages)
.PHONY: $(STAGES)
$(STAGES):
	$(ALONE) T="$(T)" F="$(F)" QUICK="$(QUICK)" \
	    sh -c "exec $$(sed -n 's/^$@  *[0-9-]*  *\(.*\) ## .*/\1/p' ci/stages)"

## ci               run everything that CI runs
ci:
	$(ALONE) .ci/run

# The paths reach the shell through the environment and are always quoted, so that they may contain spaces.
export PREFIX DESTDIR
at = "$$DESTDIR$$PREFIX"
HEADERS := $(notdir $(wildcard include/nsq/*.h))

template = $(dir $(MAIN_$(1)))$(1).1.in
define install_program
	install -m 755 $(BUILD)/$(1) $(at)/bin/$(1)
	ci/man $(BUILD)/$(1) $(call template,$(1)) $(VERSION) "$$PREFIX/share/nsqref" >$(at)/share/man/man1/$(1).1
	chmod 644 $(at)/share/man/man1/$(1).1

endef

## install          install the programs, their man pages, the cases and the library below $(DESTDIR)$(PREFIX)
install: install-lib programs
	install -d $(at)/bin $(at)/share/man/man1
	$(foreach p,$(PROGRAMS),$(call install_program,$(p)))
	ci/install-cases $(at)/share/nsqref/conformance

## install-lib      install only the protocol library: libnsqproto.a, nsq/*.h, libnsqproto.pc
install-lib: $(BUILD)/libnsqproto.a
	install -d $(at)/lib/pkgconfig $(at)/include/nsq
	install -m 644 $(BUILD)/libnsqproto.a $(at)/lib/
	install -m 644 $(HEADERS:%=include/nsq/%) $(at)/include/nsq/
	{ printf 'prefix=%s\n' "$$PREFIX"; sed 's/@VERSION@/$(VERSION)/' src/proto/libnsqproto.pc.in; } \
	    >$(at)/lib/pkgconfig/libnsqproto.pc
	chmod 644 $(at)/lib/pkgconfig/libnsqproto.pc

## uninstall        remove the files that install has installed, and folders of nsqref that are empty then
uninstall:
	rm -f $(foreach p,$(PROGRAMS),$(at)/bin/$(p) $(at)/share/man/man1/$(p).1) \
	    $(at)/lib/libnsqproto.a $(at)/lib/pkgconfig/libnsqproto.pc $(foreach h,$(HEADERS),$(at)/include/nsq/$(h))
	ci/install-cases --remove $(at)/share/nsqref/conformance
	for d in include/nsq share/nsqref; do if [ -d $(at)/$$d ]; then \
	    rmdir --ignore-fail-on-non-empty $(at)/$$d; fi; done

## clean            remove build/
clean:
	rm -rf build
