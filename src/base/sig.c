/* SPDX-License-Identifier: MIT */
/*
 * Ordinary signals are blocked in every thread and read from a signalfd, so that they are handled
 * like any other event, on the loop. Only the fatal ones have a handler: it puts the terminal back
 * (tcsetattr, tcgetpgrp and sigaction are async-signal-safe), reinstates the former handler, and
 * lets the signal happen again: a fault by returning to the faulting instruction, which keeps the
 * registers of a core dump true and lets a sanitizer's handler have its say; anything else by
 * raising it.
 *
 * `term_fd` tells whether there is something to put back. It is set only after `saved` is complete
 * and is the one thing that handlers and other threads read.
 */
#include "base/sig.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/fd.h"
#include "base/loop.h"

static const int fatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGQUIT, SIGTRAP, SIGSYS};

static struct {
	bool in_use;
	void (*fn)(void *arg, int signo);
	void *arg;
	struct loop_fd watch;
	sigset_t old_mask;
	struct sigaction old_pipe, old_xfsz;

	atomic_int term_fd; /* plus one: 0 when no terminal is raw */
	struct termios saved;
	bool at_exit; /* sig_term_restore() is registered */
	bool handlers;
	struct sigaction old_fatal[ARRAY_SIZE(fatal)];

	void (*fault)(void *arg, const struct sig_fault *fault);
	void *fault_arg;
} sig;

/* A terminal that is not our controlling one knows no foreground; it counts as ours. */
static bool in_foreground(int fd)
{
	pid_t group = tcgetpgrp(fd);

	return group < 0 || group == getpgrp();
}

/* Sets the attributes without being stopped for it by SIGTTOU. */
static int set_attributes(int fd, const struct termios *t)
{
	sigset_t ttou, old;
	int ret;

	(void)sigemptyset(&ttou);
	(void)sigaddset(&ttou, SIGTTOU);
	(void)pthread_sigmask(SIG_BLOCK, &ttou, &old);
	ret = tcsetattr(fd, TCSANOW, t) < 0 ? -errno : 0;
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return ret;
}

static void put_back(void)
{
	int fd = atomic_load(&sig.term_fd) - 1;

	if (fd >= 0 && in_foreground(fd))
		(void)set_attributes(fd, &sig.saved);
}

static int make_raw(int fd)
{
	struct termios raw = sig.saved;

	raw.c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL |
				   IXON);
	raw.c_oflag |= OPOST;
	raw.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
	raw.c_cflag &= ~(tcflag_t)(CSIZE | PARENB);
	raw.c_cflag |= CS8;
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	return set_attributes(fd, &raw);
}

/* The instruction at which a signal came. */
static uint64_t context_pc(const void *context)
{
	const ucontext_t *u = context;

#if defined(__x86_64__)
	return (uint64_t)u->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
	return u->uc_mcontext.pc;
#else
	(void)u;
	return 0;
#endif
}

static void report_fault(int signo, const siginfo_t *info, const void *context)
{
	const struct sig_fault fault = {
		.signo = signo,
		.pc = context_pc(context),
		.addr = (uintptr_t)info->si_addr,
	};

	/* Positive: the kernel's, about an instruction; else somebody sent it. */
	if (sig.fault && info->si_code > 0)
		sig.fault(sig.fault_arg, &fault);
}

static void fatal_handler(int signo, siginfo_t *info, void *context)
{
	int saved_errno = errno;

	put_back();
	report_fault(signo, info, context);
	for (unsigned i = 0; i < ARRAY_SIZE(fatal); i++)
		if (fatal[i] == signo)
			(void)sigaction(signo, &sig.old_fatal[i], NULL);
	if (info->si_code <= 0)
		(void)raise(signo);
	errno = saved_errno;
}

static void handlers_install(void)
{
	struct sigaction sa = {.sa_sigaction = fatal_handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};

	if (sig.handlers)
		return;
	(void)sigemptyset(&sa.sa_mask);
	for (unsigned i = 0; i < ARRAY_SIZE(fatal); i++)
		(void)sigaction(fatal[i], &sa, &sig.old_fatal[i]);
	sig.handlers = true;
}

static void handlers_remove(void)
{
	if (!sig.handlers)
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(fatal); i++)
		(void)sigaction(fatal[i], &sig.old_fatal[i], NULL);
	sig.handlers = false;
}

void sig_on_fault(void (*fn)(void *arg, const struct sig_fault *fault), void *arg)
{
	sig.fault = fn;
	sig.fault_arg = arg;
	if (fn)
		handlers_install();
}

int sig_term_raw(int fd)
{
	int now = atomic_load(&sig.term_fd) - 1;
	int ret;

	if (now >= 0)
		return now == fd ? 0 : -EBUSY;
	if (tcgetattr(fd, &sig.saved) < 0)
		return -errno;
	if (!sig.at_exit) {
		if (atexit(sig_term_restore))
			return -ENOMEM;
		sig.at_exit = true;
	}
	handlers_install();
	/* Before the change: dying in between puts back what is there anyway. */
	atomic_store(&sig.term_fd, fd + 1);
	ret = make_raw(fd);
	if (ret)
		atomic_store(&sig.term_fd, 0);
	return ret;
}

void sig_term_restore(void)
{
	put_back();
	atomic_store(&sig.term_fd, 0);
}

int sig_term_size(int fd, unsigned *columns, unsigned *rows)
{
	struct winsize size;

	if (ioctl(fd, TIOCGWINSZ, &size) < 0)
		return -errno;
	if (!size.ws_col || !size.ws_row)
		return -ENODATA;
	*columns = size.ws_col;
	*rows = size.ws_row;
	return 0;
}

static void stop_for_a_while(void)
{
	put_back();
	/* Stops all threads here; SIGCONT is then found in the signalfd. */
	(void)raise(SIGSTOP);
}

static void continue_again(void)
{
	int fd = atomic_load(&sig.term_fd) - 1;

	if (fd >= 0 && in_foreground(fd))
		(void)make_raw(fd);
}

static void on_signals(struct loop_fd *w, uint32_t events)
{
	struct signalfd_siginfo info;

	/* One at a time: fn may end everything. The rest keeps the descriptor readable. */
	if (read(w->fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return;
	switch (info.ssi_signo) {
	case SIGTSTP: stop_for_a_while(); break;
	case SIGCONT: continue_again(); break;
	default: sig.fn(sig.arg, (int)info.ssi_signo); break;
	}
}

int sig_init(struct loop *loop, void (*fn)(void *arg, int signo), void *arg)
{
	static const int wanted[] = {SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGTSTP, SIGCONT};
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	sigset_t set;
	int ret;

	if (sig.in_use)
		return -EBUSY;
	(void)sigemptyset(&set);
	for (unsigned i = 0; i < ARRAY_SIZE(wanted); i++)
		(void)sigaddset(&set, wanted[i]);
	sig.watch = (struct loop_fd){
		.fn = on_signals,
		.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC),
		.events = EPOLLIN,
	};
	if (sig.watch.fd < 0)
		return -errno;
	ret = loop_fd_add(loop, &sig.watch);
	if (ret) {
		fd_close(&sig.watch.fd);
		return ret;
	}
	sig.fn = fn;
	sig.arg = arg;
	(void)pthread_sigmask(SIG_BLOCK, &set, &sig.old_mask);
	(void)sigaction(SIGPIPE, &ignore, &sig.old_pipe);
	/* Writing a file past the limit of its size is an error of that write. */
	(void)sigaction(SIGXFSZ, &ignore, &sig.old_xfsz);
	sig.in_use = true;
	return 0;
}

void sig_fini(void)
{
	sig_term_restore();
	handlers_remove();
	if (!sig.in_use)
		return;
	loop_fd_del(&sig.watch);
	fd_close(&sig.watch.fd);
	(void)sigaction(SIGPIPE, &sig.old_pipe, NULL);
	(void)sigaction(SIGXFSZ, &sig.old_xfsz, NULL);
	(void)pthread_sigmask(SIG_SETMASK, &sig.old_mask, NULL);
	sig.in_use = false;
}
