/* SPDX-License-Identifier: MIT */
/* The stream framing, with a peer that cuts it anywhere, stops reading, lies, and goes away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backend/net.h"
#include "backend/net_passt.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/iov.h"
#include "base/loop.h"
#include "base/unix_socket.h"

struct world {
	struct loop *loop;
	struct net *net;
	struct net_queue *q;
	int peer;
	bool room;
	unsigned n_got;
	size_t len, total;
	uint8_t got[NET_FRAME_MAX], frame[NET_FRAME_MAX + 1], stream[4 * (NET_FRAME_MAX + 4)];
};

static bool on_recv(void *user, const struct iovec *iov, unsigned n)
{
	struct world *w = user;

	if (!w->room)
		return false;
	w->n_got++;
	w->len = iov_to_buf(iov, n, 0, w->got, sizeof(w->got));
	w->total += w->len;
	return true;
}

static const struct net_user_ops user_ops = {.recv = on_recv};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	char dir[] = "/tmp/linnet-passt-XXXXXX", path[64];
	struct unix_socket s;
	struct err e;

	assert_non_null(w);
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
	assert_int_equal(unix_socket_open(&s, SOCK_STREAM, "", path, &e), 0);
	assert_int_equal(net_passt_open(path, &w->net, &e), 0);
	w->peer = accept4(s.fd, NULL, NULL, SOCK_CLOEXEC);
	assert_true(w->peer >= 0);
	unix_socket_close(&s);
	rmdir(dir);
	assert_int_equal(loop_new(&w->loop), 0);
	assert_int_equal(w->net->ops->open_queue(w->net, w->loop, &user_ops, w, &w->q), 0);
	w->q->ops->want_recv(w->q, true);
	w->room = true;
	for (size_t i = 0; i < sizeof(w->frame); i++)
		w->frame[i] = (uint8_t)(i * 11);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	w->q->ops->close(w->q);
	w->net->ops->free(w->net);
	loop_free(w->loop);
	fd_close(&w->peer);
	free(w);
	return 0;
}

static void settle(struct world *w)
{
	while (loop_turn(w->loop, 0) > 0)
		continue;
}

/* The frame in its framing, at `at`; where it ends. */
static size_t put(struct world *w, size_t at, size_t len)
{
	for (unsigned i = 0; i < 4; i++)
		w->stream[at + i] = (uint8_t)(len >> 8 * (3 - i));
	memcpy(w->stream + at + 4, w->frame, len);
	return at + 4 + len;
}

static void test_receive_cut_anywhere(void **state)
{
	struct world *w = *state;
	size_t end = put(w, put(w, 0, 60), 14);

	for (size_t cut = 1; cut < end; cut++) {
		w->n_got = 0;
		assert_int_equal(write(w->peer, w->stream, cut), cut);
		settle(w);
		assert_int_equal(w->n_got, cut >= 64);
		assert_int_equal(write(w->peer, w->stream + cut, end - cut), end - cut);
		settle(w);
		assert_int_equal(w->n_got, 2);
		assert_int_equal(w->len, 14);
		assert_memory_equal(w->got, w->frame, 14);
	}
}

static void test_many_and_large(void **state)
{
	struct world *w = *state;
	size_t end = 0, at = 0;

	/* More in one go than a round takes, the guest being short of room now and then. */
	for (unsigned i = 0; i < 200; i++)
		end = put(w, end, 100);
	assert_int_equal(write(w->peer, w->stream, end), end);
	for (unsigned i = 0; i < 3; i++) {
		w->room = i != 1;
		w->q->ops->want_recv(w->q, true);
		settle(w);
	}
	assert_int_equal(w->n_got, 200);
	end = put(w, put(w, put(w, 0, NET_FRAME_MAX), NET_FRAME_MAX), NET_FRAME_MAX);
	while (at < end) {
		ssize_t n = send(w->peer, w->stream + at, end - at, MSG_DONTWAIT);

		at += n > 0 ? (size_t)n : 0;
		settle(w);
	}
	assert_int_equal(w->n_got, 203);
	assert_memory_equal(w->got, w->frame, NET_FRAME_MAX);
}

/* Reads what was sent and counts its frames, which must be whole. */
static unsigned read_frames(struct world *w, unsigned want)
{
	size_t have = 0, at = 0;
	unsigned n = 0;

	while (n < want) {
		ssize_t k = recv(w->peer, w->stream + have, sizeof(w->stream) - have, MSG_DONTWAIT);

		have += k > 0 ? (size_t)k : 0;
		settle(w);
		while (have - at >= 4) {
			size_t len = (size_t)w->stream[at + 2] << 8 | w->stream[at + 3];

			assert_int_equal(w->stream[at] << 8 | w->stream[at + 1], 0);
			if (have - at < 4 + len)
				break;
			assert_memory_equal(w->stream + at + 4, w->frame, len);
			at += 4 + len;
			n++;
		}
		memmove(w->stream, w->stream + at, have - at);
		have -= at;
		at = 0;
	}
	assert_int_equal(have, 0);
	return n;
}

/* The peer does not read: frames wait, up to a limit, and each that was taken arrives whole. */
static void test_send(void **state)
{
	struct world *w = *state;
	struct iovec iov[2] = {{w->frame, 3}, {w->frame + 3, 59997}};
	unsigned taken = 0;
	int ret;

	while (!(ret = w->q->ops->send(w->q, iov, 2)))
		assert_true(++taken < 200);
	assert_int_equal(ret, -EAGAIN);
	assert_true(taken > 60);
	settle(w);
	assert_int_equal(read_frames(w, taken), taken);
	iov[1].iov_len = 57;
	assert_int_equal(w->q->ops->send(w->q, iov, 2), 0);
	assert_int_equal(read_frames(w, 1), 1);
	iov[1].iov_len = 10;
	assert_int_equal(w->q->ops->send(w->q, iov, 2), -EINVAL);
	iov[1] = (struct iovec){w->frame, NET_FRAME_MAX - 2};
	assert_int_equal(w->q->ops->send(w->q, iov, 2), -EMSGSIZE);
}

static void expect_lost(struct world *w)
{
	struct iovec iov = {w->frame, 60};

	settle(w);
	assert_true(w->q->ops->send(w->q, &iov, 1) < 0);
	w->q->ops->want_recv(w->q, true);
	assert_int_equal(loop_turn(w->loop, 0), 0); /* and it is quiet */
}

static void test_lies(void **state)
{
	static const uint8_t lengths[][4] = {
		{0, 0, 0, 13}, {0, 0, 0, 0}, {0, 1, 0, 15}, {0xff, 0xff, 0xff, 0xff}};

	for (unsigned i = 0; i < 4; i++) {
		struct world *w;

		setup(state);
		w = *state;
		assert_int_equal(write(w->peer, lengths[i], 4), 4);
		settle(w);
		assert_int_equal(w->n_got, 0);
		expect_lost(w);
		if (i < 3)
			teardown(state);
	}
}

static void test_peer_goes(void **state)
{
	struct world *w = *state;

	/* In the middle of a frame. */
	assert_int_equal(write(w->peer, w->stream, put(w, 0, 60) - 1), 63);
	settle(w);
	fd_close(&w->peer);
	expect_lost(w);
	assert_int_equal(w->n_got, 0);
}

/* A reboot: the stream goes on where it was. */
static void test_opened_again(void **state)
{
	struct world *w = *state;
	size_t end = put(w, 0, 60);
	struct net_queue *second;

	assert_int_equal(w->net->ops->open_queue(w->net, w->loop, &user_ops, w, &second), -EBUSY);
	assert_int_equal(write(w->peer, w->stream, 10), 10);
	settle(w);
	w->q->ops->close(w->q);
	assert_int_equal(write(w->peer, w->stream + 10, end - 10), end - 10);
	assert_int_equal(w->net->ops->open_queue(w->net, w->loop, &user_ops, w, &w->q), 0);
	w->q->ops->want_recv(w->q, true);
	settle(w);
	assert_true(w->n_got == 1 && w->len == 60);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_receive_cut_anywhere),
		T(test_many_and_large),
		T(test_send),
		T(test_peer_goes),
		T(test_opened_again),
		cmocka_unit_test_teardown(test_lies, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
