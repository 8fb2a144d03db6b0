/* SPDX-License-Identifier: MIT */
/*
 * We hold the master side and nothing of the other, the slave side, so that a read tells when
 * nobody has that open: it fails with EIO (from the first close on, hence the open and close at the
 * start). That somebody has opened it only inotify tells without looking again and again.
 *
 * An event is read after the open that it tells of, so none is missed: who is taken for a client
 * and has left already is found by the next read.
 */
#include "backend/chr_pty.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <termios.h>
#include <unistd.h>

#include "backend/chr_client.h"
#include "base/bits.h"
#include "base/err.h"
#include "base/fd.h"

#define PTS "/dev/pts/"

struct chr_pty {
	struct chr_client client;
	struct loop_fd opens; /* inotify */
	int master;
	char *link;
	bool linked; /* the link is ours */
	char path[64];
};

static void client_gone(struct chr_client *c)
{
	/* The next one shows as an event. */
}

static void on_open(struct loop_fd *w, uint32_t events)
{
	struct chr_pty *p = w->arg;
	char text[4096];

	while (read(w->fd, text, sizeof(text)) > 0)
		;
	if (!chr_client_present(&p->client))
		(void)chr_client_begin(&p->client, p->master);
}

/* Where the link leads to. False: it is none. */
static bool read_link(const char *link, char out[PATH_MAX])
{
	ssize_t n = readlink(link, out, PATH_MAX - 1);

	if (n < 0)
		return false;
	out[n] = '\0';
	return true;
}

static void pty_free(struct chr *chr)
{
	struct chr_pty *p = container_of(chr, struct chr_pty, client.chr);
	char target[PATH_MAX];

	chr_client_fini(&p->client);
	loop_fd_del(&p->opens);
	fd_close(&p->opens.fd);
	fd_close(&p->master);
	/* Unless somebody has taken the name over. */
	if (p->linked && read_link(p->link, target) && !strcmp(target, p->path))
		unlink(p->link);
	free(p->link);
	free(p);
}

static const struct chr_ops pty_ops = {
	.write = chr_client_write,
	.want_input = chr_client_want_input,
	.flush = chr_client_flush,
	.free = pty_free,
};

/* What a program of a serial port expects: bytes as they are, and no echo. */
static int set_raw(const char *path)
{
	int fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	struct termios t;
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (tcgetattr(fd, &t)) {
		ret = -errno;
	} else {
		cfmakeraw(&t);
		ret = tcsetattr(fd, TCSANOW, &t) ? -errno : 0;
	}
	close(fd);
	return ret;
}

static int open_terminal(struct chr_pty *p, struct loop *loop)
{
	int ret;

	p->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (p->master < 0 || grantpt(p->master) || unlockpt(p->master))
		return -errno;
	ret = ptsname_r(p->master, p->path, sizeof(p->path));
	if (ret)
		return -ret;
	ret = fd_set_nonblock(p->master, true);
	if (!ret)
		ret = set_raw(p->path);
	if (ret)
		return ret;
	p->opens.fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (p->opens.fd < 0 || inotify_add_watch(p->opens.fd, p->path, IN_OPEN) < 0)
		return -errno;
	return loop_fd_add(loop, &p->opens);
}

static int make_link(struct chr_pty *p, const char *label, const char *link, struct err *e)
{
	char target[PATH_MAX];
	int ret;

	if (!link)
		return 0;
	p->link = strdup(link);
	if (!p->link)
		return err_set(e, -ENOMEM, "%s: out of memory", label);
	ret = symlink(p->path, link) ? -errno : 0;
	if (ret == -EEXIST && read_link(link, target) && !strncmp(target, PTS, strlen(PTS)) &&
	    !unlink(link))
		ret = symlink(p->path, link) ? -errno : 0;
	p->linked = !ret;
	if (ret == -EEXIST)
		return err_set(e, ret, "%s,link=%s: is there already; choose another path", label,
			       link);
	if (ret)
		return err_set(e, ret, "%s,link=%s: %s", label, link, strerror(-ret));
	return 0;
}

int chr_pty_new(struct loop *loop, const char *label, const char *link, struct chr **out,
		struct err *e)
{
	struct chr_pty *p = calloc(1, sizeof(*p));
	int ret;

	if (!p)
		return err_set(e, -ENOMEM, "%s: out of memory", label);
	chr_client_init(&p->client, loop, &pty_ops, client_gone);
	p->master = -1;
	p->opens = (struct loop_fd){.fn = on_open, .arg = p, .fd = -1, .events = EPOLLIN};
	ret = open_terminal(p, loop);
	if (ret)
		err_set(e, ret, "%s: no pseudo-terminal: %s", label, strerror(-ret));
	else
		ret = make_link(p, label, link, e);
	if (ret) {
		pty_free(&p->client.chr);
		return ret;
	}
	*out = &p->client.chr;
	return 0;
}

const char *chr_pty_path(struct chr *c)
{
	return container_of(c, struct chr_pty, client.chr)->path;
}
