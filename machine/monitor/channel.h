// SPDX-License-Identifier: GPL-3.0-or-later
// Where a monitor's lines come from and its answers go. On the main thread.
#pragma once
#include "machine/console.h"

#define MONITOR_PROMPT "(addend) "
#define MONITOR_LINE_MAX 4096 // bytes; longer lines are dropped

typedef struct { // who talks there
    void *opaque;
    void (*opened)(void *opaque);                 // somebody has come who has not been greeted
    void (*line)(void *opaque, const char *line); // a line, without its end; answers with channel_write
    // What word could become, behind the text before it: a list that the caller frees (g_strfreev).
    char **(*complete)(void *opaque, const char *before, const char *word);
} ChannelUser;

typedef struct Channel Channel;
struct Channel {
    ChannelUser user;
    void (*write)(Channel *c, const char *text, size_t size);
    void (*free)(Channel *c);
};

// Writes whole lines. What nobody listens to, or does not read in time, is lost.
void channel_write(Channel *c, const char *text, size_t size);
void channel_free(Channel *c);

// The console's terminal, or pipe, when Ctrl-A c has given it to the monitor; focus: at once. A terminal has a line
// editor, whose state is the process's: one such channel at a time. Before the console is attached.
Channel *channel_stdio_new(Console *console, bool focus, const ChannelUser *user);
// stdin and stdout alone.
Channel *channel_stdio_new_own(const ChannelUser *user);

typedef struct {
    const char *path;
    bool server; // listens there and takes one client after the other; else connects to who listens
    bool wait;   // a server that waits for its first client before it returns
} SocketSpec;
// Error: names the path.
Channel *channel_socket_new(const SocketSpec *spec, const ChannelUser *user, GError **error);

// --- lines out of bytes, for channels without an editor
typedef struct {
    char text[MONITOR_LINE_MAX];
    size_t size; // MONITOR_LINE_MAX: too long
} LineBuffer;
// One more byte. At the end of a line the user gets it and the prompt is written.
void line_buffer_add(LineBuffer *b, Channel *c, uint8_t byte);
void channel_prompt(Channel *c);
