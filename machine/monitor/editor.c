// SPDX-License-Identifier: GPL-3.0-or-later
// Editing of lines by libreadline, loaded when it is needed. The terminal's mode is machine/terminal.h's, signals are
// the program's.
#include "machine/monitor/editor.h"

#include <dlfcn.h>
#include <glib.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <readline/readline.h> // after stdio.h, which it does not include

#include <readline/history.h>

#define HISTORY_LINES 500
#define CTRL_C 3
#define LIBRARY "libreadline.so." G_STRINGIFY(RL_VERSION_MAJOR)

// Functions and variables that are used.
#define READLINE_SYMBOLS \
    SYMBOL(rl_callback_handler_install) SYMBOL(rl_callback_handler_remove) SYMBOL(rl_callback_read_char) \
    SYMBOL(rl_completion_matches) SYMBOL(rl_replace_line) SYMBOL(rl_on_new_line) SYMBOL(rl_redisplay) \
    SYMBOL(rl_clear_visible_line) SYMBOL(rl_tty_set_echoing) SYMBOL(add_history) SYMBOL(history_list) \
    SYMBOL(stifle_history) SYMBOL(rl_line_buffer) SYMBOL(rl_attempted_completion_over) SYMBOL(rl_readline_name) \
    SYMBOL(rl_instream) SYMBOL(rl_outstream) SYMBOL(rl_getc_function) SYMBOL(rl_prep_term_function) \
    SYMBOL(rl_deprep_term_function) SYMBOL(rl_catch_signals) SYMBOL(rl_catch_sigwinch) SYMBOL(rl_change_environment) \
    SYMBOL(rl_attempted_completion_function) SYMBOL(history_length)

typedef struct { // a pointer to each
#define SYMBOL(n) __typeof__(n) *(n);
    READLINE_SYMBOLS
#undef SYMBOL
} Readline;

static Readline lib;

static EditorUser user;
static int typed = EOF;  // the byte that readline has not taken yet
static char **candidates; // of the completion that goes on
static unsigned next_candidate;

static int take_byte(FILE *in G_GNUC_UNUSED)
{
    int byte = typed;
    typed = EOF;
    return byte;
}

static void leave_terminal(void)
{
}

static void prepare_terminal(int meta G_GNUC_UNUSED)
{
    lib.rl_tty_set_echoing(1); // what it would find out here
}

static void on_line(char *line)
{
    if (!line)
        return; // Ctrl-D
    HIST_ENTRY **all = lib.history_list();
    bool again = all && *lib.history_length && !strcmp(all[*lib.history_length - 1]->line, line);
    if (*line && !again)
        lib.add_history(line);
    fflush(stdout);
    user.line(user.opaque, line);
    free(line);
}

static char *generate(const char *text G_GNUC_UNUSED, int state)
{
    if (!state)
        next_candidate = 0;
    const char *found = candidates[next_candidate];
    next_candidate += found != NULL;
    return found ? strdup(found) : NULL;
}

static char **complete(const char *text, int start, int end G_GNUC_UNUSED)
{
    g_autofree char *before = g_strndup(*lib.rl_line_buffer, (gsize)start);
    candidates = user.complete(user.opaque, before, text);
    *lib.rl_attempted_completion_over = 1; // no file names
    char **matches = lib.rl_completion_matches(text, generate);
    g_clear_pointer(&candidates, g_strfreev);
    return matches;
}

// The library, loaded when somebody first goes to a monitor on a terminal: programs that do not pay nothing for it.
static bool load(void)
{
    static const struct {
        const char *name;
        size_t offset;
    } symbols[] = {
#define SYMBOL(n) {#n, offsetof(Readline, n)},
        READLINE_SYMBOLS
#undef SYMBOL
    };
    void *handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    for (unsigned i = 0; handle && i < G_N_ELEMENTS(symbols); i++) {
        void *address = dlsym(handle, symbols[i].name);
        if (!address)
            return false;
        memcpy((char *)&lib + symbols[i].offset, &address, sizeof address);
    }
    return handle;
}

static bool prepare(void)
{
    static bool tried, loaded;
    if (tried)
        return loaded;
    tried = true;
    loaded = load();
    if (!loaded)
        return false;
    *lib.rl_readline_name = "addend";
    *lib.rl_instream = stdin;
    *lib.rl_outstream = stdout;
    *lib.rl_getc_function = take_byte;
    *lib.rl_prep_term_function = prepare_terminal;
    *lib.rl_deprep_term_function = leave_terminal;
    *lib.rl_catch_signals = 0;
    *lib.rl_catch_sigwinch = 0;
    *lib.rl_change_environment = 0; // other threads read it
    *lib.rl_attempted_completion_function = complete;
    lib.stifle_history(HISTORY_LINES);
    return true;
}

bool editor_start(const char *prompt, const EditorUser *who)
{
    if (!prepare())
        return false;
    user = *who;
    lib.rl_callback_handler_install(prompt, on_line);
    fflush(stdout);
    return true;
}

void editor_stop(void)
{
    lib.rl_callback_handler_remove();
    fputc('\n', stdout);
    fflush(stdout);
}

void editor_byte(uint8_t byte)
{
    if (byte == CTRL_C) { // drops the line
        fputs("^C\n", stdout);
        lib.rl_replace_line("", 1);
        lib.rl_on_new_line();
        lib.rl_redisplay();
    } else {
        typed = byte;
        lib.rl_callback_read_char();
    }
    fflush(stdout);
}

void editor_hide(void)
{
    lib.rl_clear_visible_line();
    fflush(stdout);
}

void editor_show(void)
{
    lib.rl_on_new_line();
    lib.rl_redisplay();
    fflush(stdout);
}
