# The HTML report embeds bench/web/ and Debian's Chart.js, when isolab is built.
CHART_JS ?= /usr/share/javascript/chart.js/chart.min.js
LIB_EXTRA_OBJ += $(BUILD)/obj/bench/report_web.S.o

$(BUILD)/obj/bench/report_web.S.o: CPPFLAGS += -DCHART_JS='"$(CHART_JS)"'
# The assembler's .incbin tells make nothing.
$(BUILD)/obj/bench/report_web.S.o: $(wildcard bench/web/*) $(CHART_JS)

$(CHART_JS):
	@echo "isolab: no $@: install the package libjs-chart.js (apt-get install libjs-chart.js)," \
	      "or give the path of Chart.js 3 or 4: make CHART_JS=FILE" >&2; false
