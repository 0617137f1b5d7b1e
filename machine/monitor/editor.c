// SPDX-License-Identifier: GPL-3.0-or-later
// Editing of lines by libreadline. The terminal's mode is machine/terminal.h's, signals are the program's.
#include "machine/monitor/editor.h"

#include <glib.h>
#include <stdio.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <readline/readline.h> // after stdio.h, which it does not include

#include <readline/history.h>

#define HISTORY_LINES 500
#define CTRL_C 3

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
    rl_tty_set_echoing(1); // what it would find out here
}

static void on_line(char *line)
{
    if (!line)
        return; // Ctrl-D
    HIST_ENTRY **all = history_list();
    bool again = all && history_length && !strcmp(all[history_length - 1]->line, line);
    if (*line && !again)
        add_history(line);
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
    g_autofree char *before = g_strndup(rl_line_buffer, (gsize)start);
    candidates = user.complete(user.opaque, before, text);
    rl_attempted_completion_over = 1; // no file names
    char **matches = rl_completion_matches(text, generate);
    g_clear_pointer(&candidates, g_strfreev);
    return matches;
}

static void prepare(void)
{
    static bool done;
    if (done)
        return;
    done = true;
    rl_readline_name = "addend";
    rl_instream = stdin;
    rl_outstream = stdout;
    rl_getc_function = take_byte;
    rl_prep_term_function = prepare_terminal;
    rl_deprep_term_function = leave_terminal;
    rl_catch_signals = 0;
    rl_catch_sigwinch = 0;
    rl_change_environment = 0; // other threads read it
    rl_attempted_completion_function = complete;
    stifle_history(HISTORY_LINES);
}

void editor_start(const char *prompt, const EditorUser *who)
{
    prepare();
    user = *who;
    rl_callback_handler_install(prompt, on_line);
    fflush(stdout);
}

void editor_stop(void)
{
    rl_callback_handler_remove();
    fputc('\n', stdout);
    fflush(stdout);
}

void editor_byte(uint8_t byte)
{
    if (byte == CTRL_C) { // drops the line
        fputs("^C\n", stdout);
        rl_replace_line("", 1);
        rl_on_new_line();
        rl_redisplay();
    } else {
        typed = byte;
        rl_callback_read_char();
    }
    fflush(stdout);
}

void editor_hide(void)
{
    rl_clear_visible_line();
    fflush(stdout);
}

void editor_show(void)
{
    rl_on_new_line();
    rl_redisplay();
    fflush(stdout);
}
