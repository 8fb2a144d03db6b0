/* SPDX-License-Identifier: MIT */
/* What crosses a network as a file: read back by the format's own rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/net_pcap.h"
#include "base/err.h"
#include "base/loop.h"
#include "lib/mem_net.h"

#define SECOND 1000000000ull

struct world {
	struct loop *loop;
	struct mem_net inner;
	struct net *net;
	struct net_queue *q;
	uint64_t now;
	bool room;
	char dir[32], path[64];
	uint8_t frame[NET_FRAME_MAX + sizeof(struct net_header)];
};

static uint64_t now_of(void *arg)
{
	return ((struct world *)arg)->now;
}

static bool on_recv(void *user, const struct iovec *iov, unsigned n)
{
	return ((struct world *)user)->room;
}

static const struct net_user_ops user_ops = {.recv = on_recv};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct err e;

	assert_non_null(w);
	strcpy(w->dir, "/tmp/linnet-pcap-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->path, sizeof(w->path), "%s/f", w->dir);
	w->room = true;
	for (size_t i = 0; i < sizeof(w->frame); i++)
		w->frame[i] = (uint8_t)(i * 7);
	mem_net_init(&w->inner);
	w->inner.net.single_loop = true;
	assert_int_equal(loop_new(&w->loop), 0);
	loop_set_clock(w->loop, now_of, w);
	assert_int_equal(net_pcap_new(&w->inner.net, w->path, &w->net, &e), 0);
	assert_int_equal(w->net->ops->open_queue(w->net, w->loop, &user_ops, w, &w->q), 0);
	w->q->ops->want_recv(w->q, true);
	*state = w;
	return 0;
}

static void end(struct world *w)
{
	if (w->q) {
		w->q->ops->close(w->q);
		w->net->ops->free(w->net);
		assert_true(w->inner.closed);
	}
	w->q = NULL;
}

static int teardown(void **state)
{
	struct world *w = *state;

	end(w);
	loop_free(w->loop);
	unlink(w->path);
	rmdir(w->dir);
	free(w);
	return 0;
}

static void send_frame(struct world *w, size_t len)
{
	struct iovec iov[2] = {{w->frame, 5}, {w->frame + 5, len - 5}};

	assert_int_equal(w->q->ops->send(w->q, iov, 2), 0);
}

/* Frames of these lengths stand in the file (0 ends the list), and nothing else. */
static void expect_file(struct world *w, const size_t *want, size_t skip)
{
	FILE *f = fopen(w->path, "rb");
	uint32_t h[6], r[4];
	static uint8_t frame[NET_FRAME_MAX];

	assert_non_null(f);
	assert_int_equal(fread(h, 4, 6, f), 6);
	assert_int_equal(h[0], 0xa1b23c4d);
	assert_int_equal(h[1], 2 | 4 << 16);
	assert_int_equal(h[5], 1);
	for (; *want; want++) {
		assert_int_equal(fread(r, 4, 4, f), 4);
		assert_true(r[0] && r[1] < SECOND);
		assert_int_equal(r[2], *want);
		assert_int_equal(r[3], *want);
		assert_int_equal(fread(frame, 1, r[2], f), r[2]);
		assert_memory_equal(frame, w->frame + skip, r[2]);
	}
	assert_int_equal(fread(r, 1, 1, f), 0);
	(void)fclose(f);
}

static void test_both_directions(void **state)
{
	struct world *w = *state;

	send_frame(w, 60);
	assert_true(mem_net_offer(&w->inner, w->frame, 100, 9));
	/* One that the guest refuses comes again, and is recorded then. */
	w->room = false;
	assert_false(mem_net_offer(&w->inner, w->frame, 70, 0));
	w->room = true;
	w->q->ops->want_recv(w->q, true);
	assert_true(mem_net_offer(&w->inner, w->frame, 70, 0));
	assert_int_equal(w->inner.n_sent, 1);
	expect_file(w, (size_t[]){0}, 0); /* it gathers */
	w->now += SECOND - 1;
	loop_turn(w->loop, 0);
	expect_file(w, (size_t[]){0}, 0);
	w->now++;
	loop_turn(w->loop, 0);
	expect_file(w, (size_t[]){60, 100, 70, 0}, 0);
	send_frame(w, NET_FRAME_MAX);
	end(w);
	expect_file(w, (size_t[]){60, 100, 70, NET_FRAME_MAX, 0}, 0);
}

/* Without the header that stands in front. */
static void test_offloads(void **state)
{
	struct world *w = *state;

	w->q->ops->set_offloads(w->q, NET_OFFLOAD_SEND_CSUM);
	w->q->ops->set_active(w->q, true);
	assert_true(w->inner.active && w->inner.offloads == NET_OFFLOAD_SEND_CSUM);
	send_frame(w, sizeof(struct net_header) + 90);
	end(w);
	expect_file(w, (size_t[]){90, 0}, sizeof(struct net_header));
}

/* More than the buffer holds does not wait for the time. */
static void test_many(void **state)
{
	struct world *w = *state;
	size_t want[21] = {0};
	struct stat st;

	for (unsigned i = 0; i < 20; i++) {
		want[i] = 60000 + i;
		send_frame(w, want[i]);
	}
	assert_int_equal(stat(w->path, &st), 0);
	assert_true(st.st_size > 900000);
	end(w);
	expect_file(w, want, 0);
}

/* The file may not grow: it ends with a whole frame, and the network goes on. */
static void test_full(void **state)
{
	struct world *w = *state;
	struct rlimit old, small;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	small.rlim_cur = 5000;
	for (unsigned i = 0; i < 4; i++)
		send_frame(w, 1400);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	w->now += SECOND;
	loop_turn(w->loop, 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	expect_file(w, (size_t[]){1400, 1400, 1400, 0}, 0);
	send_frame(w, 1400);
	assert_int_equal(w->inner.n_sent, 5);
	end(w);
	expect_file(w, (size_t[]){1400, 1400, 1400, 0}, 0);
}

static void expect_refused(struct world *w, const char *path, const char *why)
{
	struct err e;
	struct net *net;

	assert_true(net_pcap_new(&w->inner.net, path, &net, &e) < 0);
	if (!strstr(e.text, why))
		fail_msg("\"%s\" does not say \"%s\"", e.text, why);
}

static void test_refused(void **state)
{
	struct world *w = *state;
	char pipe[64];

	expect_refused(w, "/nonexistent/f", "No such file");
	expect_refused(w, w->dir, "Is a directory");
	expect_refused(w, "/dev/full", "no regular file");
	snprintf(pipe, sizeof(pipe), "%s/p", w->dir);
	assert_int_equal(mkfifo(pipe, 0600), 0);
	expect_refused(w, pipe, "No such device"); /* nobody reads */
	unlink(pipe);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_both_directions), T(test_offloads), T(test_many), T(test_full),
		T(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
