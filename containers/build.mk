# The default seccomp filter is compiled when isolab is built, not when a container starts.
SECCOMP_GEN := $(BUILD)/gen/seccomp_gen
SECCOMP_HDR := $(BUILD)/gen/containers/seccomp_default_bpf.h
SECCOMP_GEN_SRC := containers/gen/seccomp_gen.c containers/seccomp_default.c \
                   containers/seccomp_compile.c containers/seccomp_pack.c \
                   containers/caps.c base/err.c
GEN += $(SECCOMP_HDR)

$(SECCOMP_GEN): $(SECCOMP_GEN_SRC) containers/seccomp_default.h containers/caps.h base/err.h
	@mkdir -p $(@D)
	@echo "HOSTCC $@"
	$(Q)$(CC) -I. -D_GNU_SOURCE -std=gnu17 $(WARN) -O1 -o $@ $(SECCOMP_GEN_SRC) -lseccomp

$(SECCOMP_HDR): $(SECCOMP_GEN)
	@mkdir -p $(@D)
	@echo "GEN $@"
	$(Q)$(SECCOMP_GEN) > $@

# For tests and measurements of this folder: a driver without the rest, and a look from inside.
ALL += $(BUILD)/ctr-driver $(BUILD)/ctr-inside
$(BUILD)/ctr-driver $(BUILD)/ctr-inside: $(BUILD)/ctr-%: $(BUILD)/obj/tests/tools/ctr_%.c.o $(BUILD)/libisolab.a
	@echo "LD $@"
	$(Q)$(CC) $(LINK_STATIC) $(LDFLAGS) -o $@ $^ $(LIBS)
