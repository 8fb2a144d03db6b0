/* SPDX-License-Identifier: MIT */
/*
 * The socket is bound in a directory that only we can enter, connected and unlinked before the
 * process starts: it gets a listening socket on which our connection waits already, and nobody
 * else can come in between.
 *
 * The process begins in a new user namespace, in which our user is root and nobody else exists, and
 * in a new mount namespace. There virtiofsd may do what it wants to do (change its root to the
 * shared directory, give up its rights, close itself in by seccomp), and outside it can do no more
 * than our user: files that the guest's root makes are ours, and giving them to others fails.
 * "Read only" is a mount of that namespace, so that the kernel sees to it.
 *
 * Where no user namespace can be made, in a chroot, say, root does without one: virtiofsd then only
 * changes its root, with root's own rights as far as it keeps any. Of those, the one to make
 * device nodes is taken away. "Read only" is then a mount that is in no namespace: virtiofsd finds
 * it by a descriptor.
 *
 * Between fork and exec only system calls are made, since other threads may have held locks. What
 * failed there comes back through a pipe that a successful exec closes.
 */
#include "cmd/virtiofsd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/loop.h"

#define PROGRAM       "/usr/lib/qemu/virtiofsd"
#define LISTEN_FD     3
#define END_MS        2000
#define LOG_MAX       20 /* lines of one process */
#define LAST_WORDS_MS 200

struct virtiofsd {
	struct virtiofsd_config cfg;
	char *dir;           /* absolute */
	char *source;        /* the option that names it */
	pid_t pid;           /* 0: none */
	struct loop_fd said; /* fd: its standard error, or -1 */
	char line[256];
	size_t line_len;
	struct log_limit log;
};

const char *virtiofsd_path(void)
{
	return access(PROGRAM, X_OK) ? NULL : PROGRAM;
}

/* Commas part options, so one in the name is escaped, and so is what escapes it. */
static char *source_option(const char *dir)
{
	char *out = malloc(sizeof("source=") + 2 * strlen(dir)), *p;

	if (!out)
		return NULL;
	p = stpcpy(out, "source=");
	for (; *dir; dir++) {
		if (*dir == ',' || *dir == '\\')
			*p++ = '\\';
		*p++ = *dir;
	}
	*p = '\0';
	return out;
}

static int find_dir(struct virtiofsd *v, struct err *e)
{
	struct stat st;

	v->dir = realpath(v->cfg.dir, NULL);
	if (!v->dir)
		return err_set(e, -errno, "%s: %s", v->cfg.label, strerror(errno));
	if (stat(v->dir, &st))
		return err_set(e, -errno, "%s: %s", v->cfg.label, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return err_set(e, -ENOTDIR,
			       "%s: is no directory; --file puts single files into "
			       "the guest",
			       v->cfg.label);
	if (access(v->dir, R_OK | X_OK))
		return err_set(e, -errno, "%s: cannot be entered: %s", v->cfg.label,
			       strerror(errno));
	v->source = source_option(v->dir);
	return v->source ? 0 : err_set(e, -ENOMEM, "out of memory");
}

int virtiofsd_new(const struct virtiofsd_config *cfg, struct virtiofsd **out, struct err *e)
{
	struct virtiofsd *v = calloc(1, sizeof(*v));
	int ret;

	if (!v)
		return err_set(e, -ENOMEM, "out of memory");
	v->cfg = *cfg;
	v->said.fd = -1;
	ret = find_dir(v, e);
	if (!ret && !virtiofsd_path())
		ret = err_set(e, -ENOENT,
			      "%s: needs %s, which is not there; install Debian's "
			      "qemu-system-common",
			      cfg->label, PROGRAM);
	if (ret) {
		virtiofsd_free(v);
		return ret;
	}
	*out = v;
	return 0;
}

/* ---- the socket ---- */

/* Two ends that know each other: *listener has *fd's connection waiting. */
static int make_sockets(int *listener, int *fd)
{
	char dir[] = "/tmp/linnet-XXXXXX";
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int ret = 0;

	*listener = *fd = -1;
	if (!mkdtemp(dir))
		return -errno;
	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s/s", dir);
	*listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*listener < 0 || *fd < 0 || bind(*listener, (struct sockaddr *)&a, sizeof(a)) ||
	    listen(*listener, 1) || connect(*fd, (struct sockaddr *)&a, sizeof(a)))
		ret = -errno;
	(void)unlink(a.sun_path);
	(void)rmdir(dir);
	if (ret) {
		fd_close(listener);
		fd_close(fd);
	}
	return ret;
}

/* ---- in the new process ---- */

/* The steps that can fail, in words that fit "cannot ...". */
enum step { STEP_NAMESPACE, STEP_MAP, STEP_READ_ONLY, STEP_FDS, STEP_EXEC };

static const char *const step_names[] = {
	[STEP_NAMESPACE] = "make a user namespace (see linnet doctor)",
	[STEP_MAP] = "become root of its user namespace",
	[STEP_READ_ONLY] = "make the directory read-only for itself",
	[STEP_FDS] = "arrange its descriptors",
	[STEP_EXEC] = "be executed",
};

struct failure {
	int step;
	int error;
};

/* How root does without a user namespace. */
struct bare {
	bool possible;
	int tree; /* read-only: the mount, else -1 */
	char source[64];
	char *argv[16];
};

struct start {
	struct virtiofsd *v;
	char *const *argv;
	const struct bare *bare;
	const char *uid_map, *gid_map;
	int listener, said, failed;
};

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return ret;
}

static int make_read_only(const char *dir)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};

	if (mount(dir, dir, NULL, MS_BIND | MS_REC, NULL))
		return -errno;
	return mount_setattr(AT_FDCWD, dir, AT_RECURSIVE, &attr, sizeof(attr)) ? -errno : 0;
}

static int arrange_fds(const struct start *s)
{
	int null = open("/dev/null", O_RDONLY);

	/* None of these is 0 to 3 by itself: those are open already. */
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(s->said, STDOUT_FILENO) < 0 ||
	    dup2(s->said, STDERR_FILENO) < 0)
		return -errno;
	if (s->listener == LISTEN_FD)
		return fcntl(LISTEN_FD, F_SETFD, 0) ? -errno : 0;
	return dup2(s->listener, LISTEN_FD) < 0 ? -errno : 0;
}

/* In namespaces of its own. */
static int part(const struct start *s, int *step)
{
	int ret;

	*step = STEP_NAMESPACE;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return -errno;
	*step = STEP_MAP;
	ret = write_file("/proc/self/setgroups", "deny");
	if (!ret)
		ret = write_file("/proc/self/uid_map", s->uid_map);
	if (!ret)
		ret = write_file("/proc/self/gid_map", s->gid_map);
	if (!ret && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		ret = -errno;
	*step = STEP_READ_ONLY;
	if (!ret && s->v->cfg.read_only)
		ret = make_read_only(s->v->dir);
	return ret;
}

static int child(const struct start *s, int *step)
{
	char *const *argv = s->argv;
	struct rlimit files;
	sigset_t none;
	int ret;

	/* Away from the terminal's signals: it ends when its connection does, or with us. */
	(void)setsid();
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	ret = part(s, step);
	if (ret && *step == STEP_NAMESPACE && s->bare->possible) {
		argv = s->bare->argv;
		ret = 0;
	}
	if (ret)
		return ret;
	*step = STEP_FDS;
	ret = arrange_fds(s);
	if (ret)
		return ret;
	*step = STEP_EXEC;
	(void)execv(PROGRAM, argv);
	return -errno;
}

/* ---- what it says ---- */

static void log_line(struct virtiofsd *v)
{
	v->line[v->line_len] = '\0';
	if (v->line_len)
		log_warn_limited(&v->log, LOG_MAX, "%s: virtiofsd: %s", v->cfg.label, v->line);
	v->line_len = 0;
}

/* False at the end of the stream. */
static bool read_said(struct virtiofsd *v)
{
	char buf[512];
	ssize_t n = read(v->said.fd, buf, sizeof(buf));

	for (ssize_t i = 0; i < n; i++) {
		if (buf[i] == '\n')
			log_line(v);
		else if (v->line_len < sizeof(v->line) - 1 && buf[i] >= ' ')
			v->line[v->line_len++] = buf[i];
	}
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

void virtiofsd_listen(struct virtiofsd *v)
{
	struct pollfd p = {.fd = v->said.fd, .events = POLLIN};

	while (v->said.fd >= 0 && poll(&p, 1, LAST_WORDS_MS) > 0)
		if (!read_said(v))
			break;
	log_line(v);
}

static void said_event(struct loop_fd *w, uint32_t events)
{
	if (!read_said(w->arg))
		loop_fd_del(w);
}

/* ---- beginning and end ---- */

static void end_process(struct virtiofsd *v)
{
	struct pollfd p = {.events = POLLIN};

	if (!v->pid)
		return;
	p.fd = (int)syscall(SYS_pidfd_open, v->pid, 0);
	if (p.fd < 0 || poll(&p, 1, END_MS) <= 0)
		(void)kill(v->pid, SIGKILL);
	fd_close(&p.fd);
	while (waitpid(v->pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	v->pid = 0;
	/* That a connection has ended surprises it, and nobody else. */
	loop_fd_del(&v->said);
	fd_close(&v->said.fd);
	v->line_len = 0;
}

/* Starts the process; 0 when it executes the program. */
static int spawn(struct start *s, int failed_in, struct err *e)
{
	struct failure f = {0};

	s->v->pid = fork();
	if (s->v->pid < 0) {
		s->v->pid = 0;
		return err_set(e, -errno, "%s: no process: %s", s->v->cfg.label, strerror(errno));
	}
	if (!s->v->pid) {
		f.error = child(s, &f.step);
		(void)!write(s->failed, &f, sizeof(f));
		_exit(127);
	}
	fd_close(&s->failed);
	if (fd_read_full(failed_in, &f, sizeof(f)) != sizeof(f))
		return 0;
	return err_set(e, f.error, "%s: virtiofsd cannot %s: %s", s->v->cfg.label,
		       step_names[f.step], strerror(-f.error));
}

bool virtiofsd_is_root(void)
{
	const uint32_t wanted = 1u << CAP_SYS_CHROOT | 1u << CAP_SETPCAP | 1u << CAP_SYS_ADMIN;
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{0}};

	return !geteuid() && !syscall(SYS_capget, &head, data) &&
	       (data[0].effective & wanted) == wanted;
}

/* A mount of dir that nothing can be changed through, in no namespace. -1: there is none. */
static int read_only_tree(const char *dir)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};
	int fd = open_tree(AT_FDCWD, dir, OPEN_TREE_CLONE | AT_RECURSIVE);

	/* Inherited by virtiofsd, which looks for it in its own descriptors. */
	if (fd >= 0 && mount_setattr(fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr)))
		fd_close(&fd);
	return fd;
}

static void prepare_bare(struct virtiofsd *v, char *const *argv, unsigned n, struct bare *b)
{
	*b = (struct bare){.tree = -1};
	if (!virtiofsd_is_root())
		return;
	for (unsigned i = 0; i < n; i++)
		b->argv[i] = argv[i];
	if (v->cfg.read_only) {
		b->tree = read_only_tree(v->dir);
		if (b->tree < 0)
			return;
		(void)snprintf(b->source, sizeof(b->source), "source=/proc/self/fd/%d/.", b->tree);
		for (unsigned i = 0; i < n; i++)
			if (b->argv[i] == v->source)
				b->argv[i] = b->source;
	}
	b->argv[n] = "-o";
	b->argv[n + 1] = "sandbox=chroot";
	b->argv[n + 2] = "-o";
	b->argv[n + 3] = "modcaps=-mknod:-setfcap";
	b->possible = true;
}

static int spawn_with_pipes(struct virtiofsd *v, int listener, struct err *e)
{
	char *const argv[] = {
		"virtiofsd", "-f",         "--fd=3", "--rlimit-nofile=0", "-o", v->source,
		"-o",        "cache=auto", "-o",     "log_level=err",     NULL};
	struct bare bare;
	int said[2] = {-1, -1}, failed[2] = {-1, -1}, ret = 0;
	struct start s = {.v = v, .argv = argv, .bare = &bare, .listener = listener};
	char uid_map[32], gid_map[32];

	(void)snprintf(uid_map, sizeof(uid_map), "0 %u 1", geteuid());
	(void)snprintf(gid_map, sizeof(gid_map), "0 %u 1", getegid());
	s.uid_map = uid_map;
	s.gid_map = gid_map;
	prepare_bare(v, argv, ARRAY_SIZE(argv) - 1, &bare);
	if (pipe2(said, O_CLOEXEC | O_NONBLOCK) || pipe2(failed, O_CLOEXEC)) {
		ret = err_set(e, -errno, "%s: no pipe: %s", v->cfg.label, strerror(errno));
	} else {
		s.said = said[1];
		s.failed = failed[1];
		failed[1] = -1;
		ret = spawn(&s, failed[0], e);
		fd_close(&s.failed);
	}
	fd_close(&said[1]);
	fd_close(&failed[0]);
	fd_close(&failed[1]);
	fd_close(&bare.tree);
	v->said = (struct loop_fd){.fn = said_event, .arg = v, .fd = said[0], .events = EPOLLIN};
	return ret;
}

int virtiofsd_connect(struct virtiofsd *v, int *fd, struct err *e)
{
	int listener, ret;

	end_process(v);
	ret = make_sockets(&listener, fd);
	if (ret)
		return err_set(e, ret, "%s: no socket: %s", v->cfg.label, strerror(-ret));
	ret = spawn_with_pipes(v, listener, e);
	fd_close(&listener);
	if (!ret) {
		ret = loop_fd_add(v->cfg.loop, &v->said);
		if (ret)
			err_set(e, ret, "%s: %s", v->cfg.label, strerror(-ret));
	}
	if (ret)
		fd_close(fd);
	return ret;
}

void virtiofsd_free(struct virtiofsd *v)
{
	if (!v)
		return;
	end_process(v);
	fd_close(&v->said.fd);
	free(v->source);
	free(v->dir);
	free(v);
}
