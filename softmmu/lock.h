// SPDX-License-Identifier: GPL-3.0-or-later
// The big lock, beyond what everybody may do with it (memory_lock and memory_unlock in softmmu/memory.h).
#pragma once

// Lets go of the big lock however deep the caller holds it, and returns the depth for lock_retake.
unsigned lock_drop(void);
void lock_retake(unsigned depth);
// Others may have the lock for a moment: lets go of it, sleeps a little, takes it back.
void lock_pause(void);
