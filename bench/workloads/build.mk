# The programs that bench measures: each workloads/NAME.c becomes a small static binary
# build/workloads/NAME; the demo image carries it as /usr/bin/il-NAME. They are built with
# plain flags, whatever the sanitizers of the rest, because they are what is measured.
WORKLOAD_SRC := $(wildcard bench/workloads/*.c)
WORKLOADS    := $(patsubst bench/workloads/%.c,$(BUILD)/workloads/%,$(WORKLOAD_SRC))
ALL += $(WORKLOADS)

$(BUILD)/workloads/%: bench/workloads/%.c bench/workloads/workload.h
	@mkdir -p $(@D)
	@echo "CC $< (static)"
	$(Q)$(CC) $(WARN) -std=gnu17 -O2 -mno-avx -D_GNU_SOURCE -static -s -o $@ $<
