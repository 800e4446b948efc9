# SPDX-License-Identifier: Apache-2.0
# The nano guest's file systems, compiled for the host with a shim of the guest kernel
# (shim.c): unit tests drive their system calls without a VM. They see Linux's headers
# only, never libc's, so they are built by a rule of their own.

NANOFS_SRC := $(wildcard guest/nano/fs/*.c) tests/nanofs/shim.c
NANOFS_OBJ := $(patsubst %.c,$(BUILD)/obj/nanofs/%.o,$(NANOFS_SRC))
UNIT_EXTRA_OBJ += $(NANOFS_OBJ)

$(BUILD)/obj/nanofs/%.o: %.c
	@mkdir -p $(@D)
	@echo "CC $< (host shim)"
	$(Q)$(CC) -I. $(filter-out -include base/banned.h,$(BASE_CFLAGS)) -ffreestanding \
		$(CFLAGS) -MMD -MP -c -o $@ $<
