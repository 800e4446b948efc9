# isolab: `make` builds, `make demo` and `make test` install what they lack and run.
# Folders with something special to build add a build.mk of their own.

BUILD    ?= build
CC       ?= gcc
PREFIX   ?= /usr/local
DESTDIR  ?=
# A static binary starts in a fifth of the time of a dynamic one (docs/performance.md);
# the sanitizers need a dynamic one.
STATIC   ?= 1
SANITIZE ?=
# V=1 prints whole command lines.
V        ?= 0
Q        := $(if $(filter 1,$(V)),,@)

WARN := -Wall -Wextra -Werror -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes \
        -Wold-style-definition -Wformat=2 -Wundef -Wpointer-arith -Wcast-qual -Wwrite-strings \
        -Wimplicit-fallthrough -Wnull-dereference -Wswitch-enum
CPPFLAGS += -I. -I$(BUILD)/gen -D_GNU_SOURCE -include base/version.h
CFLAGS   ?= -O2 -g
BASE_CFLAGS := -std=gnu17 $(WARN) -fstack-protector-strong -fno-omit-frame-pointer \
               -include base/banned.h
ifneq ($(findstring clang,$(CC)),)
# KVM's structs end in arrays that we put behind them; gcc has no word for it.
BASE_CFLAGS += -Wno-gnu
endif
ifneq ($(SANITIZE),)
BASE_CFLAGS += -fsanitize=$(SANITIZE) -fno-sanitize-recover=all
LDFLAGS  += -fsanitize=$(SANITIZE)
STATIC   := 0
else
BASE_CFLAGS += -D_FORTIFY_SOURCE=2
endif

LIBS := -larchive -lseccomp -lelf -ljansson -lnettle -lcap -lzstd -llzma -lbz2 -lz -lacl -lattr \
        -lpthread -lm
ifeq ($(STATIC),1)
LINK_STATIC := -static
endif

# Everything but cli/ and oci/ is a library that the commands and the unit tests link.
LIB_DIRS := base runner image net containers vmm sandbox bench
LIB_SRC  := $(foreach d,$(LIB_DIRS),$(wildcard $(d)/*.c))
CLI_SRC  := $(wildcard cli/*.c)
OBJ       = $(patsubst %,$(BUILD)/obj/%.o,$(1))
LIB_OBJ   = $(call OBJ,$(LIB_SRC)) $(LIB_EXTRA_OBJ)

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:

# A build.mk may add to: ALL (targets of `make`), LIB_EXTRA_OBJ, GEN (generated headers,
# made before anything is compiled), CLEAN, LINT.
ALL := $(BUILD)/isolab
LIB_EXTRA_OBJ :=
GEN :=
-include $(sort $(wildcard */build.mk */*/build.mk))

.PHONY: all
all: $(ALL)

$(BUILD)/obj/%.c.o: %.c Makefile | $(GEN)
	@mkdir -p $(@D)
	@echo "CC $<"
	$(Q)$(CC) $(CPPFLAGS) $(BASE_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/obj/%.S.o: %.S | $(GEN)
	@mkdir -p $(@D)
	@echo "AS $<"
	$(Q)$(CC) $(CPPFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/libisolab.a: $(LIB_OBJ)
	@rm -f $@
	@echo "AR $@"
	$(Q)ar rcs $@ $^

$(BUILD)/isolab: $(call OBJ,$(CLI_SRC)) $(BUILD)/libisolab.a
	@echo "LD $@"
	$(Q)$(CC) $(LINK_STATIC) $(LDFLAGS) -o $@ $^ $(LIBS)

# ---- tests -------------------------------------------------------------------------
UNIT_SRC := $(wildcard tests/unit/*.c)
$(BUILD)/unit-tests: $(call OBJ,$(UNIT_SRC)) $(UNIT_EXTRA_OBJ) $(BUILD)/libisolab.a
	@echo "LD $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -lcriterion $(LIBS)

.PHONY: unit
unit: $(BUILD)/unit-tests
	$(BUILD)/unit-tests

# Everything, installing what is missing; `tests/run unit lint` runs parts.
.PHONY: test
test:
	tools/deps build test lint
	tests/run

.PHONY: lint
lint: $(GEN)
	tests/lint/run

.PHONY: format
format:
	git ls-files -co --exclude-standard '*.c' '*.h' | xargs clang-format -i

.PHONY: asan
asan:
	$(MAKE) BUILD=build/asan SANITIZE=address,undefined build/asan/unit-tests build/asan/isolab

# libFuzzer targets, one per parser of foreign bytes.
FUZZ_BIN := $(patsubst tests/fuzz/%.c,$(BUILD)/%,$(wildcard tests/fuzz/fuzz_*.c))
$(BUILD)/fuzz_%: $(BUILD)/obj/tests/fuzz/fuzz_%.c.o $(UNIT_EXTRA_OBJ) $(BUILD)/libisolab.a
	@echo "LD $@"
	$(Q)$(CC) $(LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(LIBS)

.PHONY: fuzz-bins
fuzz-bins: $(FUZZ_BIN)

# QEMU with emulated SVM and pure cgroup v2: what this machine may lack.
.PHONY: lab-test
lab-test:
	tools/deps build test
	tests/lab/run

.PHONY: fuzz
fuzz:
	tests/run fuzz

# ---- images ------------------------------------------------------------------------
# The demo image: busybox and the measured programs. The Debian image: for tests.
$(BUILD)/demo-image.tar: tools/demo-image $(WORKLOADS)
	tools/demo-image $@ $(BUILD)/workloads

$(BUILD)/debian-image.tar: tools/debian-image
	tools/debian-image -f $@

# ---- the main job ------------------------------------------------------------------
.PHONY: demo
demo:
	tools/deps build demo
	$(MAKE) all
	tools/demo

.PHONY: peers
peers:
	tools/deps peers

# ---- install -----------------------------------------------------------------------
.PHONY: install
install: all
	install -D -m 0755 $(BUILD)/isolab $(DESTDIR)$(PREFIX)/bin/isolab
	$(foreach m,$(wildcard man/*.[1-8] $(BUILD)/man/*.[1-8]),install -D -m 0644 $(m) \
		$(DESTDIR)$(PREFIX)/share/man/man$(subst .,,$(suffix $(m)))/$(notdir $(m));)

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)

.PHONY: clean
clean:
	rm -rf build
