/* SPDX-License-Identifier: MIT */
/*
 * Signals and the terminal's state: the one place for both, since each needs the other, and the
 * only one with state of its own, since both belong to the process.
 *
 * All functions but sig_term_restore() and sig_term_size() belong to the main thread.
 */
#ifndef BASE_SIG_H
#define BASE_SIG_H

#include <stdint.h>

struct loop;

/* From now on SIGINT, SIGTERM, SIGHUP and SIGWINCH arrive as fn(arg, signo) on the loop; several of
 * one kind may arrive as one. SIGPIPE and SIGXFSZ are ignored. SIGTSTP stops the process with the
 * terminal as it was found, and SIGCONT brings raw mode back. To be called before the first thread
 * is started, so that all threads have the signals blocked. 0 or -errno; -EBUSY when it is in use.
 */
int sig_init(struct loop *loop, void (*fn)(void *arg, int signo), void *arg);

/* Restores the terminal and everything sig_init() changed. Harmless when nothing is to be done. */
void sig_fini(void);

/*
 * Puts the terminal fd into raw mode: each byte comes at once and unchanged, Ctrl-C and Ctrl-Z
 * included, without echo. Output processing stays on, so that a bare newline (a log line) begins a
 * line; a guest's own carriage returns do no harm.
 *
 * The terminal is put back by sig_term_restore(), sig_fini(), exit(), and when the process dies by
 * a fatal signal (SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGQUIT, SIGTRAP, SIGSYS). 0, or
 * -ENOTTY or another -errno; -EBUSY when another terminal is raw already. fd stays open until then.
 */
int sig_term_raw(int fd);

/* Any thread, also a signal handler. Nothing when no terminal is raw, or when the process is in the
 * background: there the terminal belongs to somebody else. */
void sig_term_restore(void);

/* A fault that the host's processor reported. */
struct sig_fault {
	int signo;     /* SIGSEGV, SIGBUS, SIGILL, SIGFPE or SIGTRAP */
	uint64_t pc;   /* of the instruction, in the host; 0 where this is not known of the host */
	uint64_t addr; /* what the signal says that it concerns */
};

/* From now on fn(arg, fault) is called in the handler of such a signal, on the thread that caused
 * it and after the terminal is put back; then the signal happens as if nothing had been. fn must
 * be async-signal-safe. NULL: nobody is. While no other thread can cause a fault for the old one.
 */
void sig_on_fault(void (*fn)(void *arg, const struct sig_fault *fault), void *arg);

/* The terminal's size in characters. 0, or -ENOTTY; -ENODATA when it does not know. */
int sig_term_size(int fd, unsigned *columns, unsigned *rows);

#endif
