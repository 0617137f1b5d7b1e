// SPDX-License-Identifier: GPL-3.0-or-later
// A folder for each test of a file: temp_dir_make and temp_dir_remove are setup and teardown functions of cmocka.
#pragma once

extern char *temp_dir; // of the running test

int temp_dir_make(void **state);
int temp_dir_remove(void **state); // with all that is in it

// The CMUnitTest of a test that has one.
#define FOLDER_TEST(f) cmocka_unit_test_setup_teardown(f, temp_dir_make, temp_dir_remove)
