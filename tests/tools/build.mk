# Programs for developers: `make tools`.
$(BUILD)/nano_run: $(call OBJ,tests/tools/nano_run.c) $(BUILD)/libisolab.a
	@echo "LD $@"
	$(Q)$(CC) $(LINK_STATIC) $(LDFLAGS) -o $@ $^ $(LIBS)

.PHONY: tools
tools: $(BUILD)/nano_run
