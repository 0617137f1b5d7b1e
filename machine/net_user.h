// SPDX-License-Identifier: GPL-3.0-or-later
// A network of the program's own (-netdev user), by libslirp: a router at 10.0.2.2 with DHCP and DNS behind which the
// guest reaches what the host does, by sockets like those of any other program.
//
// It lives in a thread of its own, so no hart waits for the host. Frames are Ethernet's, without a checksum at the end.
#pragma once
#include "machine/net_item.h"
#include <glib.h>
#include <stddef.h>

typedef struct NetUser NetUser;

#define NET_FRAME_MIN 14   // bytes of a frame: a header,
#define NET_FRAME_MAX 1518 // and with a VLAN tag and 1500 bytes behind it

// The network of an item, with those of the forwards (of NetForward) that are for its index. Error: a port that cannot
// be listened to.
NetUser *net_user_new(const NetItem *item, unsigned index, const GArray *forwards, GError **error);
// Ends the thread: not under the big lock. NULL is allowed.
void net_user_free(NetUser *net);

// Who has the card. ready is called under the big lock, on the network's thread, when there is something to take after
// net_user_take found nothing, or when net_user_send may be tried again. NULL: nobody. Under the big lock.
void net_user_set_card(NetUser *net, void (*ready)(void *opaque), void *opaque);
// A frame from the guest, NET_FRAME_MIN to NET_FRAME_MAX bytes. False: there is no room now. Does not wait. Any thread.
bool net_user_send(NetUser *net, const void *frame, size_t size);
// The next frame for the guest, which the caller unrefs, or NULL. What there is no room for is lost. Any thread.
GBytes *net_user_take(NetUser *net);
