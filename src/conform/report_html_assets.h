/* SPDX-License-Identifier: MIT */
/*
 * Owns: the style sheet and the script of the HTML report. Must not know: reports.
 */
#ifndef CONFORM_REPORT_HTML_ASSETS_H
#define CONFORM_REPORT_HTML_ASSETS_H

extern const char report_html_style[];
extern const char report_html_script[];

#endif
