// SPDX-License-Identifier: GPL-3.0-or-later
// Where a debugger connects: a TCP port or a Unix socket, one client after the other. On the main thread.
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    const char *path; // of a Unix socket; NULL: TCP
    const char *host; // "": this host only (127.0.0.1)
    uint16_t port;    // 0: any, which is told on stderr
} ConnectionSpec;

typedef struct {
    void *opaque;
    void (*opened)(void *opaque);
    void (*bytes)(void *opaque, const uint8_t *bytes, size_t size); // have come
    void (*closed)(void *opaque); // the client has gone
} ConnectionUser;

typedef struct Connection Connection;

// Listens, in the main loop. Error: names the address.
Connection *connection_new(const ConnectionSpec *spec, const ConnectionUser *user, GError **error);
void connection_free(Connection *c); // without telling the user
bool connection_is_open(const Connection *c);
// To the client; nothing if there is none. Waits for nobody.
void connection_write(Connection *c, const char *bytes, size_t size);
// Sends what is left, for at most a second. Outside the main loop.
void connection_drain(Connection *c);
