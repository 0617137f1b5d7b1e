// SPDX-License-Identifier: GPL-3.0-or-later
// Editing of lines on a terminal in raw mode: libreadline, fed byte by byte. Its state is the process's.
#pragma once
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    void *opaque;
    void (*line)(void *opaque, const char *line); // a line was ended; the terminal is free for output
    // As in ChannelUser.
    char **(*complete)(void *opaque, const char *before, const char *word);
} EditorUser;

// Shows the prompt and edits a line after the other, until stop. The history stays. False: there is no libreadline.
bool editor_start(const char *prompt, const EditorUser *user);
void editor_stop(void);
void editor_byte(uint8_t byte); // that was typed
// Around output that comes between: takes the line off the screen, and shows it again.
void editor_hide(void);
void editor_show(void);
