// SPDX-License-Identifier: GPL-3.0-or-later
// Raw mode. The signal handlers use only tcsetattr, sigaction, raise and getpid, which are async-signal-safe.
//
// A handler restores the terminal, puts back what was installed for that signal before, and raises it again:
// the program dies, or is handled, exactly as it would have been without us.
#include "machine/terminal.h"
#include <errno.h>
#include <glib.h>
#include <signal.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

// Everything whose default is to end the program, less SIGKILL. A failed g_error raises SIGTRAP.
static const int fatal_signals[] = {
    SIGHUP,  SIGINT,  SIGQUIT, SIGILL,  SIGTRAP, SIGABRT,   SIGBUS,  SIGFPE, SIGUSR1, SIGSEGV, SIGUSR2,
    SIGPIPE, SIGALRM, SIGTERM, SIGXCPU, SIGVTALRM, SIGPROF, SIGIO,  SIGPWR,  SIGSYS,  SIGSTKFLT,
};

static struct termios saved, raw;
static struct sigaction old_fatal[G_N_ELEMENTS(fatal_signals)], old_stop, old_continue;
static volatile sig_atomic_t active;
static pid_t owner; // a forked compile worker must not touch the terminal when it ends

static void set_mode(const struct termios *mode)
{
    if (getpid() == owner)
        tcsetattr(STDIN_FILENO, TCSANOW, mode);
}

static void on_fatal(int sig)
{
    set_mode(&saved);
    active = 0;
    for (unsigned i = 0; i < G_N_ELEMENTS(fatal_signals); i++)
        if (fatal_signals[i] == sig)
            sigaction(sig, &old_fatal[i], NULL);
    raise(sig);
}

static void on_stop(int sig)
{
    int keep = errno; // of what was interrupted
    (void)sig;
    set_mode(&saved);
    raise(SIGSTOP);
    if (active)
        set_mode(&raw);
    errno = keep;
}

// A SIGSTOP from outside cannot be seen, so the shell may have changed the mode: set it again on SIGCONT. Not
// in the background: that would stop the program.
static void on_continue(int sig)
{
    int keep = errno;
    (void)sig;
    if (active && tcgetpgrp(STDIN_FILENO) == getpgrp())
        set_mode(&raw);
    errno = keep;
}

static void install(int sig, void (*handler)(int), struct sigaction *old)
{
    struct sigaction sa = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigfillset(&sa.sa_mask);
    sigaction(sig, NULL, old);
    if (old->sa_handler != SIG_IGN) // what was ignored (nohup) stays ignored
        sigaction(sig, &sa, NULL);
}

void terminal_set_raw(bool keep_signals)
{
    static bool registered;
    g_assert(!active);
    if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &saved))
        return;
    raw = saved;
    raw.c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    raw.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | IEXTEN);
    if (!keep_signals)
        raw.c_lflag &= ~(tcflag_t)ISIG;
    raw.c_cflag = (raw.c_cflag & ~(tcflag_t)(CSIZE | PARENB)) | CS8;
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    if (!registered)
        atexit(terminal_restore);
    registered = true;
    for (unsigned i = 0; i < G_N_ELEMENTS(fatal_signals); i++)
        install(fatal_signals[i], on_fatal, &old_fatal[i]);
    install(SIGTSTP, on_stop, &old_stop);
    install(SIGCONT, on_continue, &old_continue);
    owner = getpid();
    active = 1;
    set_mode(&raw);
}

void terminal_restore(void)
{
    if (!active)
        return;
    active = 0;
    set_mode(&saved);
    for (unsigned i = 0; i < G_N_ELEMENTS(fatal_signals); i++)
        sigaction(fatal_signals[i], &old_fatal[i], NULL);
    sigaction(SIGTSTP, &old_stop, NULL);
    sigaction(SIGCONT, &old_continue, NULL);
}
