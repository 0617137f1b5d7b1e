// SPDX-License-Identifier: GPL-3.0-or-later
// What every cmocka test includes: cmocka.h needs these headers first.
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// then
#include <cmocka.h>
