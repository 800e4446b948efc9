/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of bench/web/ and Chart.js, embedded by report_web.S. NUL-terminated.
 */
#ifndef IL_BENCH_REPORT_WEB_H
#define IL_BENCH_REPORT_WEB_H

extern const char report_web_html[]; /* the page, with @@name@@ where a part goes */
extern const char report_web_css[];
extern const char report_web_early[];  /* catches script errors: must run first */
extern const char report_web_format[]; /* numbers, units, elements */
extern const char report_web_charts[];
extern const char report_web_page[];
extern const char report_web_chartjs[];

#endif
