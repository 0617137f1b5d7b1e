// SPDX-License-Identifier: GPL-3.0-or-later
// Grace periods: what readers may still look at is freed only after they have left (R1.13).
//
// Readers announce themselves and never wait. A writer first unlinks a thing (an atomic pointer store), then
// retires it; it is freed once every reader that was inside at that moment has left.
#pragma once

// Around each use of something that may be retired. Nests; per thread.
void grace_enter(void);
void grace_leave(void);
// grace_enter for whoever has the big lock, without which nothing is freed: it need not fence.
void grace_enter_locked(void);

// Calls release(thing) when no reader can see it any more: at some later grace_collect or grace_wait. Needs the
// big lock.
void grace_retire(void *thing, void (*release)(void *thing));
// Releases what it can. Under the big lock.
void grace_collect(void);
// Releases everything retired so far; lets go of the big lock, which the caller holds, while it waits. Not
// inside grace_enter..grace_leave.
void grace_wait(void);
