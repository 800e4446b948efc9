# The nano guest kernel: freestanding, in the top 2 GiB, without SSE; plus the common runner.
# One compiler, whatever the host's side is built with: its flags are gcc's.
GUEST_CC ?= gcc
NANO_SRC := $(wildcard guest/nano/*.c guest/nano/*.S guest/nano/fs/*.c) \
            runner/runner.c runner/workload.c
NANO_OBJ := $(patsubst %,$(BUILD)/guest/%.o,$(NANO_SRC))
NANO_CFLAGS := -std=gnu17 $(WARN) -Wno-cast-qual -Wno-null-dereference -O2 -g -ffreestanding -fno-stack-protector \
               -fno-pic -fno-pie -mcmodel=kernel -mno-red-zone -mgeneral-regs-only \
               -fcf-protection=none -fno-asynchronous-unwind-tables -fomit-frame-pointer \
               -fno-tree-loop-distribute-patterns -fno-strict-aliasing -ffunction-sections

$(BUILD)/guest/%.c.o: %.c guest/nano/build.mk | $(GEN)
	@mkdir -p $(@D)
	@echo "CC $< (guest)"
	$(Q)$(GUEST_CC) -I. -I$(BUILD)/gen $(NANO_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/guest/%.S.o: %.S guest/nano/build.mk
	@mkdir -p $(@D)
	@echo "AS $< (guest)"
	$(Q)$(GUEST_CC) -I. -MMD -MP -c -o $@ $<

$(BUILD)/guest/nano.elf: $(NANO_OBJ) guest/nano/link.lds
	@echo "LD $@"
	$(Q)$(GUEST_CC) -nostdlib -static -no-pie -Wl,-T,guest/nano/link.lds -Wl,--build-id=none \
		-Wl,-z,max-page-size=4096 -Wl,--gc-sections -o $@ $(NANO_OBJ)

# What goes into the isolab binary: without debug information and symbols.
$(BUILD)/guest/nano.bin: $(BUILD)/guest/nano.elf
	$(Q)objcopy --strip-all $< $@

$(BUILD)/guest/blob.o: guest/nano/blob.in $(BUILD)/guest/nano.bin
	@echo "AS $<"
	$(Q)$(CC) -x assembler-with-cpp -DNANO_BIN='"$(BUILD)/guest/nano.bin"' -c -o $@ $<

LIB_EXTRA_OBJ += $(BUILD)/guest/blob.o
-include $(NANO_OBJ:.o=.d)
