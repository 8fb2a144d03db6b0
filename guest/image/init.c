/* SPDX-License-Identifier: MIT */
/*
 * The first process of the default guest. It is one small static program, because every process
 * start, and every wait, is paid for by each run of the machine: mounts, modules, network and the
 * disk are done here by system calls, and nothing sleeps.
 *
 * What to do comes from the kernel's command line:
 *
 *	linnet.mode=shell	(the default) a root shell on the console; its end is a power-off
 *	linnet.mode=exec	one command for the host, see exec_protocol.h
 *	linnet.mode=demo	/lib/linnet/demo, which shows that the machine works
 *	linnet.mode=off		a power-off at once: what a boot costs
 *	linnet.http=PORT	for the demo: an HTTP server on the host's loopback
 *	linnet.rows=N linnet.cols=N linnet.term=NAME	the host's terminal
 *
 * It is also what every process 1 must be: it collects orphans, and answers busybox's poweroff,
 * halt and reboot, and the power button. All its signals are blocked and read from a signalfd.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/reboot.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "button.h"
#include "dhcp.h"
#include "exec.h"
#include "modules.h"
#include "nodes.h"
#include "shares.h"
#include "util.h"

#define DISK            "/dev/vda"
#define DISK_DIR        "/mnt"
#define NETWORK_WAIT_MS 3000
#define FAREWELL_MS     500

static void mount_one(const char *source, const char *dir, const char *type, unsigned long flags,
		      const char *options)
{
	mkdir(dir, 0755);
	if (mount(source, dir, type, flags, options) < 0)
		say("%s: %s", dir, strerror(errno));
}

static bool is_empty(const char *dir)
{
	DIR *d = opendir(dir);
	int entries = 0;

	if (!d)
		return true;
	while (readdir(d))
		entries++;
	closedir(d);
	return entries <= 2; /* "." and ".." */
}

/* Where `linnet run --file` has put something already, a new file system would hide it. */
static void mount_tmpfs(const char *source, const char *dir, unsigned long flags,
			const char *options)
{
	if (is_empty(dir))
		mount_one(source, dir, "tmpfs", flags, options);
}

static void mount_system(void)
{
	unsigned long safe = MS_NOSUID | MS_NODEV;

	mount_one("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "mode=620,ptmxmode=666");
	mount_tmpfs("shm", "/dev/shm", safe, "mode=1777");
	mount_tmpfs("run", "/run", safe, "mode=755");
	mount_tmpfs("tmp", "/tmp", safe, "mode=1777");
	/* What scripts expect; devtmpfs does not make them. */
	if (symlink("/proc/self/fd", "/dev/fd") < 0 ||
	    symlink("/proc/self/fd/0", "/dev/stdin") < 0 ||
	    symlink("/proc/self/fd/1", "/dev/stdout") < 0 ||
	    symlink("/proc/self/fd/2", "/dev/stderr") < 0)
		say("/dev: %s", strerror(errno));
}

static void mount_disk(struct modules *mods)
{
	if (access(DISK, F_OK) < 0)
		return;
	modules_load(mods, "fs-ext4");
	if (mount(DISK, DISK_DIR, "ext4", MS_NOATIME, NULL) == 0)
		return;
	/* A read-only disk can still be looked at; one with something else on it is the user's. */
	if (errno == EACCES && mount(DISK, DISK_DIR, "ext4", MS_RDONLY, "noload") == 0)
		return;
	if (errno != EINVAL)
		say("%s on %s: %s", DISK, DISK_DIR, strerror(errno));
}

/* Kills everything but init, and waits a moment for it to be gone. */
static void end_processes(void)
{
	static const int farewell[] = {SIGHUP, SIGTERM, SIGCONT};
	struct timespec wait = {.tv_nsec = FAREWELL_MS * 1000000L};
	sigset_t child;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	for (size_t i = 0; i < sizeof(farewell) / sizeof(farewell[0]); i++)
		kill(-1, farewell[i]);
	for (;;) {
		pid_t pid = waitpid(-1, NULL, WNOHANG);
		if (pid > 0)
			continue;
		if (pid < 0 || sigtimedwait(&child, NULL, &wait) < 0)
			break;
	}
	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
}

/* The end of the machine. @how: a command of reboot(2). */
static _Noreturn void leave(int how)
{
	end_processes();
	sync();
	if (umount(DISK_DIR) < 0 && errno != EINVAL)
		(void)mount(NULL, DISK_DIR, NULL, MS_REMOUNT | MS_RDONLY, NULL);
	reboot(how);
	/* A machine without power-off: process 1 must not end, the kernel would panic. */
	for (;;)
		pause();
}

/* What busybox's poweroff, halt and reboot, and the kernel's Ctrl-Alt-Del, ask for by a signal. */
static int how_asked(int sig)
{
	switch (sig) {
	case SIGTERM:
	case SIGINT: return RB_AUTOBOOT;
	case SIGUSR1: return RB_HALT_SYSTEM;
	default: return RB_POWER_OFF;
	}
}

/* The terminal that the kernel's console is on: the one a session can have. */
static int console_open(void)
{
	char path[64] = "/dev/", names[48];

	if (file_read("/sys/class/tty/console/active", names, sizeof(names)) > 0) {
		const char *last = strrchr(names, ' ');
		strncat(path, last ? last + 1 : names, sizeof(path) - strlen(path) - 1);
		int fd = open(path, O_RDWR);
		if (fd >= 0)
			return fd;
	}
	return open("/dev/console", O_RDWR);
}

/* Its driver may have been a module, loaded just now, that the kernel has yet to try again. */
static int console_wait(void)
{
	const struct timespec pause = {.tv_nsec = 20000000};
	int fd = console_open();

	for (int i = 0; fd < 0 && i < 500; i++) {
		nanosleep(&pause, NULL);
		fd = console_open();
	}
	return fd;
}

static void terminal_size(int fd)
{
	struct winsize ws;

	if (ioctl(fd, TIOCGWINSZ, &ws) < 0)
		return;
	ws.ws_row = (unsigned short)cmdline_number("linnet.rows", 1, 1000, ws.ws_row);
	ws.ws_col = (unsigned short)cmdline_number("linnet.cols", 1, 1000, ws.ws_col);
	ioctl(fd, TIOCSWINSZ, &ws);
}

/* Starts a program as a session of its own on the console. Its pid, or -1. */
static pid_t session_start(char *const argv[], const char *name)
{
	sigset_t none;
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	setsid();
	int fd = console_wait();
	if (fd >= 0) {
		ioctl(fd, TIOCSCTTY, 0);
		terminal_size(fd);
		for (int i = 0; i < 3; i++)
			dup2(fd, i);
		if (fd > 2)
			close(fd);
	}
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	exec_environment();
	execv(name, argv);
	say("%s: %s", name, strerror(errno));
	_exit(127);
}

/*
 * Waits for the end of a process while collecting all others. Returns 0 and its *@status, or the
 * signal by which someone asks init to end.
 */
static int process_wait(int sigfd, pid_t wanted, int *status)
{
	for (;;) {
		struct pollfd p = {.fd = sigfd, .events = POLLIN};
		struct signalfd_siginfo info;
		int got;

		for (pid_t pid; (pid = waitpid(-1, &got, WNOHANG)) > 0;) {
			if (pid == wanted) {
				*status = got;
				return 0;
			}
		}
		poll(&p, 1, -1);
		while (read(sigfd, &info, sizeof(info)) == (ssize_t)sizeof(info))
			if (info.ssi_signo != SIGCHLD)
				return (int)info.ssi_signo;
	}
}

static int shell(int sigfd)
{
	char *const argv[] = {"-sh", NULL};
	int status = 0, sig = 0;

	/* A shell that was killed comes again; one that has ended has done its work. */
	do {
		pid_t pid = session_start(argv, "/bin/sh");
		if (pid < 0)
			break;
		sig = process_wait(sigfd, pid, &status);
	} while (!sig && WIFSIGNALED(status));
	return sig;
}

static int demo(int sigfd)
{
	char port[8];
	char *const argv[] = {"demo", port, NULL};
	int status = 0, sig = 0;

	snprintf(port, sizeof(port), "%ld", cmdline_number("linnet.http", 1, 65535, 0));
	pid_t pid = session_start(argv, "/lib/linnet/demo");
	if (pid >= 0)
		sig = process_wait(sigfd, pid, &status);
	if (pid < 0 || sig || WIFSIGNALED(status))
		say("demo failed: it was ended before its end");
	return sig;
}

static int signals_open(void)
{
	static const int signals[] = {SIGCHLD, SIGTERM, SIGINT, SIGUSR1, SIGUSR2};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaddset(&set, signals[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

int main(void)
{
	char mode[16];
	int sig;

	umask(022);
	mount_one("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	cmdline_get("linnet.mode", mode, sizeof(mode));
	if (!strcmp(mode, "off"))
		leave(RB_POWER_OFF);
	mount_one("sys", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	mount_one("dev", "/dev", "devtmpfs", MS_NOSUID, "mode=755");
	mount_system();
	int sigfd = signals_open();
	reboot(RB_DISABLE_CAD);
	if (sethostname("linnet", strlen("linnet")) < 0)
		say("host name: %s", strerror(errno));

	struct modules *mods = modules_open();
	modules_coldplug(mods);
	nodes_watch();
	int network = network_start();
	mount_disk(mods);
	shares_mount();
	button_watch(mods);
	modules_close(mods);
	network_wait(network, NETWORK_WAIT_MS);

	if (!strcmp(mode, "exec"))
		sig = exec_serve(sigfd);
	else if (!strcmp(mode, "demo"))
		sig = demo(sigfd);
	else
		sig = shell(sigfd);
	leave(how_asked(sig));
}
