// SPDX-License-Identifier: GPL-3.0-or-later
// The page of addend blocks --format html, as it lies in the program: page.html with words such as "@CSS@"
// where the other two and the data go.
#pragma once
#include <stddef.h>

extern const unsigned char page_html[], page_css[], page_js[];
extern const size_t page_html_size, page_css_size, page_js_size;
