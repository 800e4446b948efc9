# The option tables and verbs are unit-tested too; only main is not linked there.
UNIT_EXTRA_OBJ += $(call OBJ,$(filter-out cli/main.c,$(CLI_SRC)))
