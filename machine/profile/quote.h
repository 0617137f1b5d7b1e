// SPDX-License-Identifier: GPL-3.0-or-later
// Names of guest code inside JSON and XML: any bytes may be in them.
#pragma once
#include <glib.h>

void quote_json(GString *s, const char *text); // appends it as a JSON string, with its quotes
void quote_xml(GString *s, const char *text);  // appends it as text of an element or attribute
