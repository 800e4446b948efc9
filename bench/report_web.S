/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of the HTML page as NUL-terminated strings. CHART_JS is Debian's Chart.js,
 * embedded when isolab is built; it carries its own licence notice (MIT).
 */
	.section .rodata, "a", @progbits

	.macro web_file name, file
	.global \name
	.type \name, @object
\name:
	.incbin "\file"
	.byte 0
	.size \name, . - \name
	.endm

	web_file report_web_html, "bench/web/report.html"
	web_file report_web_css, "bench/web/report.css"
	web_file report_web_early, "bench/web/early.js"
	web_file report_web_format, "bench/web/format.js"
	web_file report_web_charts, "bench/web/charts.js"
	web_file report_web_page, "bench/web/page.js"
	web_file report_web_chartjs, CHART_JS

	.section .note.GNU-stack, "", @progbits
