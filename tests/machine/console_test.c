// SPDX-License-Identifier: GPL-3.0-or-later
// The console: queue, Ctrl-A commands, waiting readers, raw mode on a pseudo-terminal and its restoration.
#include "machine/console.h"
#include "machine/terminal.h"
#include "tests/test.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

typedef struct {
    int in[2], out[2];
    Console *console;
    GMainContext *context;
    unsigned inputs, quits;
} Pipes;

static void on_input(void *opaque)
{
    ((Pipes *)opaque)->inputs++;
}

static void on_quit(void *opaque)
{
    ((Pipes *)opaque)->quits++;
}

static int setup(void **state)
{
    Pipes *p = g_new0(Pipes, 1);
    assert_int_equal(pipe2(p->in, O_CLOEXEC), 0);
    assert_int_equal(pipe2(p->out, O_CLOEXEC), 0);
    fcntl(p->out[0], F_SETFL, O_NONBLOCK);
    p->console = console_new_fds(p->in[0], p->out[1], true);
    p->context = g_main_context_new();
    console_set_input_handler(p->console, on_input, p);
    console_set_quit_handler(p->console, on_quit, p);
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    Pipes *p = *state;
    console_free(p->console);
    g_main_context_unref(p->context);
    close(p->in[0]);
    close(p->in[1]);
    close(p->out[0]);
    close(p->out[1]);
    g_free(p);
    return 0;
}

static void iterate(Pipes *p)
{
    while (g_main_context_iteration(p->context, FALSE))
        ;
}

static void expect_queue(Pipes *p, const char *expected)
{
    char buf[256] = "";
    iterate(p);
    console_read(p->console, buf, sizeof buf - 1, false);
    assert_string_equal(buf, expected);
}

static void commands(void **state)
{
    Pipes *p = *state;
    char buf[256] = "";
    console_attach(p->console, p->context);
    assert_int_equal(write(p->in[1], "a\1\1b", 4), 4);
    expect_queue(p, "a\1b");
    assert_int_equal(p->inputs, 1);
    assert_int_equal(write(p->in[1], "\1", 1), 1); // the command letter comes later
    expect_queue(p, "");
    assert_int_equal(p->inputs, 1);
    assert_int_equal(write(p->in[1], "xc", 2), 2);
    expect_queue(p, "c");
    assert_int_equal(p->quits, 1);
    assert_int_equal(write(p->in[1], "\1h\1?", 4), 4);
    expect_queue(p, "");
    assert_true(read(p->out[0], buf, sizeof buf - 1) > 0);
    assert_non_null(strstr(buf, "Ctrl-A x  quit"));
    assert_true(console_write(p->console, "text", 4));
    memset(buf, 0, sizeof buf);
    assert_int_equal(read(p->out[0], buf, sizeof buf), 4);
    assert_string_equal(buf, "text");
}

static void on_typed(void *opaque, const uint8_t *data, size_t n)
{
    g_string_append_len(opaque, (const char *)data, (gssize)n);
}

static void on_focus(void *opaque, bool on)
{
    g_string_append(opaque, on ? "[on]" : "[off]");
}

// Ctrl-A c: what is typed goes to the monitor and back, whoever had it first.
static void monitor(void **state)
{
    Pipes *p = *state;
    g_autoptr(GString) got = g_string_new(NULL);
    console_set_monitor(p->console, &(ConsoleMonitor){got, on_typed, on_focus}, true);
    console_attach(p->console, p->context);
    static const char typed[] = "a\1\1b\1cguest\1cc\1x";
    assert_int_equal(write(p->in[1], typed, sizeof typed - 1), sizeof typed - 1);
    expect_queue(p, "guest");
    assert_string_equal(got->str, "a\1b[off][on]c");
    assert_int_equal(p->quits, 1);
    console_set_monitor(p->console, &(ConsoleMonitor){0}, false);
    assert_int_equal(write(p->in[1], "\1cd", 3), 3);
    expect_queue(p, "d");
    assert_string_equal(got->str, "a\1b[off][on]c");
}

// More than the queue takes: the rest waits in the pipe, and everything arrives in order.
static void flow_control(void **state)
{
    Pipes *p = *state;
    enum { TOTAL = 400000 };
    fcntl(p->in[1], F_SETFL, O_NONBLOCK);
    console_attach(p->console, p->context);
    unsigned sent = 0, got = 0, blocked = 0;
    while (got < TOTAL) {
        uint8_t buf[1000];
        for (unsigned i = 0; i < sizeof buf; i++)
            buf[i] = (uint8_t)(2 + (sent + i) % 251); // no Ctrl-A
        ssize_t n = sent < TOTAL ? write(p->in[1], buf, MIN(sizeof buf, TOTAL - sent)) : -1;
        sent += n > 0 ? (unsigned)n : 0;
        iterate(p);
        if (n > 0)
            continue;
        blocked++;
        size_t taken = console_read(p->console, buf, sizeof buf, false);
        for (size_t i = 0; i < taken; i++)
            assert_int_equal(buf[i], 2 + got++ % 251);
    }
    assert_int_equal(sent, TOTAL);
    assert_true(blocked > 100);
}

static void *write_late(void *opaque)
{
    g_usleep(20000);
    assert_int_equal(write(((Pipes *)opaque)->in[1], "late", 4), 4);
    return NULL;
}

static void *stop_late(void *opaque)
{
    g_usleep(20000);
    console_stop(((Pipes *)opaque)->console);
    return NULL;
}

static void waiting(void **state)
{
    Pipes *p = *state;
    char buf[8];
    GThread *t = g_thread_new("late", write_late, p);
    size_t n = 0;
    while (n < 4)
        n += console_read(p->console, buf + n, sizeof buf - n, true);
    assert_memory_equal(buf, "late", 4);
    g_thread_join(t);
    t = g_thread_new("stop", stop_late, p);
    assert_int_equal(console_read(p->console, buf, 1, true), 0);
    assert_int_equal(console_read(p->console, buf, 1, true), 0);
    g_thread_join(t);
}

static void end_of_input(void **state)
{
    Pipes *p = *state;
    char buf[8];
    console_attach(p->console, p->context);
    assert_int_equal(write(p->in[1], "z", 1), 1);
    close(p->in[1]);
    iterate(p);
    assert_int_equal(console_read(p->console, buf, 8, true), 1);
    assert_int_equal(console_read(p->console, buf, 8, true), 0);
    p->in[1] = dup(p->in[0]);
}

static void specs(void **state)
{
    (void)state;
    GError *e = NULL;
    char *path = NULL, *text;
    int fd = g_file_open_tmp("addend-test-XXXXXX", &path, NULL);
    char *spec = g_strconcat("file:", path, NULL);
    Console *c = console_new(spec, &e);
    assert_true(console_write(c, "to file\n", 8));
    assert_int_equal(console_read(c, &fd, 0, true), 0);
    console_free(c);
    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    assert_string_equal(text, "to file\n");
    unlink(path);
    close(fd);
    g_free(text);
    g_free(spec);
    g_free(path);
    c = console_new("null", &e);
    assert_true(console_write(c, "x", 1));
    char byte;
    assert_int_equal(console_read(c, &byte, 1, true), 0);
    assert_false(console_is_tty(c));
    console_free(c);
    static const char *const bad[] = {"pty", "tcp:localhost:1", "file:", "file:/nonexistent/x", "", "stdio2"};
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        assert_null(console_new(bad[i], &e));
        assert_true(g_str_has_prefix(e->message, "-serial "));
        g_clear_error(&e);
    }
}

typedef enum { END_FREE, END_EXIT, END_SIGNAL, END_ABORT, END_FORK } Ending;

// In a child with the pseudo-terminal as stdin: raw mode, then one of the ways out.
static void raw_child(Ending ending, int ready)
{
    signal(SIGALRM, SIG_DFL);
    alarm(10);
    Console *c = console_new("mon:stdio", NULL);
    if (ending == END_FORK) { // a worker that ends must leave the terminal alone
        pid_t worker = fork();
        if (!worker)
            exit(0);
        waitpid(worker, NULL, 0);
    }
    assert_int_equal(write(ready, "r", 1), 1);
    char byte;
    console_read(c, &byte, 1, true);
    if (ending == END_FREE || ending == END_FORK) {
        console_free(c);
        _exit(0);
    }
    if (ending == END_EXIT)
        exit(0);
    if (ending == END_ABORT)
        abort();
    raise(SIGTERM);
}

static bool is_raw(int tty)
{
    struct termios t;
    assert_int_equal(tcgetattr(tty, &t), 0);
    return !(t.c_lflag & (ICANON | ECHO | ISIG)) && !(t.c_iflag & ICRNL) && (t.c_oflag & OPOST);
}

// Whatever a system call said before the signal came: the terminal, which is not ours, makes the handler's calls fail.
static void handlers_keep_errno(void **state)
{
    (void)state;
    int master, slave, status;
    assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
    fflush(NULL);
    pid_t child = fork();
    if (!child) {
        setsid();
        dup2(slave, 0);
        terminal_set_raw(false);
        errno = EDOM;
        raise(SIGCONT);
        int after = errno;
        terminal_restore();
        _exit(after == EDOM ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    close(master);
    close(slave);
}

static void raw_mode(void **state)
{
    (void)state;
    for (Ending ending = END_FREE; ending <= END_FORK; ending++) {
        int master, slave, ready[2], status;
        char byte;
        struct termios before, after;
        assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
        assert_int_equal(pipe(ready), 0);
        tcgetattr(slave, &before);
        assert_true(before.c_lflag & ECHO);
        fflush(NULL);
        pid_t child = fork();
        if (!child) {
            dup2(slave, 0);
            raw_child(ending, ready[1]);
        }
        assert_int_equal(read(ready[0], &byte, 1), 1);
        assert_true(is_raw(slave));
        assert_int_equal(write(master, "\3", 1), 1); // Ctrl-C is a byte for the guest
        assert_int_equal(waitpid(child, &status, 0), child);
        if (ending == END_SIGNAL || ending == END_ABORT)
            assert_int_equal(WTERMSIG(status), ending == END_ABORT ? SIGABRT : SIGTERM);
        else
            assert_int_equal(WEXITSTATUS(status), 0);
        tcgetattr(slave, &after);
        assert_int_equal(before.c_iflag, after.c_iflag);
        assert_int_equal(before.c_oflag, after.c_oflag);
        assert_int_equal(before.c_cflag, after.c_cflag);
        assert_int_equal(before.c_lflag, after.c_lflag);
        assert_memory_equal(before.c_cc, after.c_cc, VEOL2 + 1);
        close(master);
        close(slave);
        close(ready[0]);
        close(ready[1]);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(commands), TEST(monitor),     TEST(flow_control),      TEST(waiting),
        TEST(end_of_input), cmocka_unit_test(specs), cmocka_unit_test(raw_mode),
        cmocka_unit_test(handlers_keep_errno),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
