// SPDX-License-Identifier: GPL-3.0-or-later
// Sections during which no hart runs, for what reaches into the TLBs and the code of all of them.
//
// A thread that runs harts is inside (enter, leave) except while it sleeps. A section waits until every thread inside
// is at its next poll, has left, or waits for a section of its own; sections come one after another. Whoever begins one
// must hold no lock that a running hart may wait for; the big lock is let go of for the time.
#pragma once
#include <glib.h>
#include <stdbool.h>

typedef struct {
    GMutex lock;
    GCond changed;
    unsigned inside; // threads that run harts
    int wanted;      // atomic: sections that wait or go on; written under the lock
    bool active;
    GThread *owner; // atomic: whose section goes on, NULL: nobody's
    unsigned depth; // of the owner's sections in one another
    void (*kick)(void *opaque); // has the harts come to a poll soon
    void *opaque;
} Exclusive;

void exclusive_init(Exclusive *x, void (*kick)(void *opaque), void *opaque);
void exclusive_deinit(Exclusive *x);

// By threads that run harts, around doing so. enter waits for sections to end.
void exclusive_enter(Exclusive *x);
void exclusive_leave(Exclusive *x);
void exclusive_poll(Exclusive *x);

// Any thread. Between begin and end no other thread is inside. They nest.
void exclusive_begin(Exclusive *x);
void exclusive_end(Exclusive *x);
// The same, but gives up after that time: false, and there is no section. A hart may wait inside an instruction for
// what the user types.
bool exclusive_begin_within(Exclusive *x, unsigned ms);
