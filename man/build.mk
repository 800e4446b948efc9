# isolab.1: written by hand around the list of commands and options, which comes from the same
# tables as --help.
ALL += $(BUILD)/man/isolab.1

$(BUILD)/man/isolab.1: man/isolab-head.roff man/isolab-tail.roff $(BUILD)/isolab
	@mkdir -p $(@D)
	@echo "GEN $@"
	$(Q)(cat man/isolab-head.roff && $(BUILD)/isolab help --man && cat man/isolab-tail.roff) >$@
