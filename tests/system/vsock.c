/* SPDX-License-Identifier: MIT */
/*
 * Runs in the guest: streams of virtio-vsock.
 *
 *	vsock echo PORT		a server for ever: each client gets back what it sends
 *	vsock sink PORT		a server that reads nothing
 *	vsock call PORT		connects to the host: standard input there, answers to output;
 *				waits for both ends, and until the host has taken everything
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

static int die(const char *what)
{
	fprintf(stderr, "vsock: %s: %s\n", what, strerror(errno));
	return 1;
}

static int write_all(int fd, const char *buf, size_t len)
{
	while (len) {
		ssize_t n = write(fd, buf, len);

		if (n <= 0)
			return -1;
		buf += n;
		len -= (size_t)n;
	}
	return 0;
}

static int echo(int fd)
{
	static char buf[65536];
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		if (write_all(fd, buf, (size_t)n))
			return 1;
	shutdown(fd, SHUT_WR);
	return n < 0;
}

static int serve(int fd, int reads)
{
	int one;

	if (listen(fd, 1000))
		return die("listen");
	signal(SIGCHLD, SIG_IGN);
	printf("listening\n");
	fflush(stdout);
	while ((one = accept(fd, NULL, NULL)) >= 0) {
		if (!fork()) {
			if (!reads)
				pause();
			_exit(echo(one));
		}
		close(one);
	}
	return die("accept");
}

/* Both ways at once, so that neither side waits for the other. */
static int converse(int fd)
{
	static char buf[65536];
	struct pollfd p[2] = {{.fd = 0, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
	ssize_t n;

	while (p[0].fd >= 0 || p[1].fd >= 0) {
		if (poll(p, 2, -1) < 0)
			return die("poll");
		if (p[0].revents) {
			n = read(0, buf, sizeof(buf));
			if (n <= 0) {
				p[0].fd = -1;
				shutdown(fd, SHUT_WR);
			} else if (write_all(fd, buf, (size_t)n)) {
				return die("write");
			}
		}
		if (p[1].revents) {
			n = read(fd, buf, sizeof(buf));
			if (n < 0)
				return die("read");
			if (!n)
				p[1].fd = -1;
			if (write_all(1, buf, (size_t)n))
				return 1;
		}
	}
	return 0;
}

/* A close that lingers waits for the host's end of the connection; that of an exit does not. */
static int call(int fd)
{
	const struct linger l = {.l_onoff = 1, .l_linger = 60};
	int ret;

	if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l)))
		return die("setsockopt");
	ret = converse(fd);
	if (close(fd))
		return die("close");
	return ret;
}

int main(int argc, char **argv)
{
	struct sockaddr_vm a = {.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY};
	int fd = socket(AF_VSOCK, SOCK_STREAM, 0);

	if (fd < 0 || argc != 3)
		return die("socket");
	a.svm_port = (unsigned)atol(argv[2]);
	if (!strcmp(argv[1], "call")) {
		a.svm_cid = VMADDR_CID_HOST;
		if (connect(fd, (struct sockaddr *)&a, sizeof(a)))
			return die("connect");
		return call(fd);
	}
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)))
		return die("bind");
	return serve(fd, !strcmp(argv[1], "echo"));
}
