-- SPDX-License-Identifier: GPL-3.0-or-later
-- A status of its own.
os.exit(42)
