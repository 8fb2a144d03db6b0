/* SPDX-License-Identifier: MIT */
/* A part that another program plays: messages, and programs that do not keep to them. The program
 * is the test itself, at the other end of the socket. */
#include "hw_test.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/loop.h"
#include "base/unix_socket.h"
#include "hw/spi_bus.h"
#include "hw/spi_unix.h"

struct fixture {
	struct loop *loop;
	struct unix_socket socket;
	struct spi_part *part;
	int peer;
	uint64_t now;
	uint16_t data[3];
	struct spi_burst burst;
	unsigned n_done;
};

static uint64_t now(void *arg)
{
	return ((struct fixture *)arg)->now;
}

static void done(struct spi_burst *b)
{
	((struct fixture *)b->arg)->n_done++;
}

static void accept_peer(struct fixture *f)
{
	f->peer = accept(f->socket.fd, NULL, NULL);
	assert_true(f->peer >= 0);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char path[64];

	*state = f;
	snprintf(path, sizeof(path), "/tmp/test_spi_unix_%d", (int)getpid());
	if (loop_new(&f->loop) ||
	    unix_socket_open(&f->socket, SOCK_SEQPACKET, "test", path, NULL) ||
	    spi_unix_new(f->loop, "--spi 0:1=unix", f->socket.path, &f->part, NULL))
		return -1;
	loop_set_clock(f->loop, now, f);
	f->burst = (struct spi_burst){.data = f->data, .done = done, .arg = f};
	accept_peer(f);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	f->part->ops->free(f->part);
	close(f->peer);
	unix_socket_close(&f->socket);
	loop_free(f->loop);
	free(f);
	return 0;
}

static void begin(struct fixture *f, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		f->data[i] = (uint16_t)(0x1201 + i);
	f->n_done = 0;
	f->burst.mode = 3;
	f->burst.bits = 16;
	f->burst.n = n;
	f->part->ops->burst(f->part, &f->burst);
}

static void expect_message(struct fixture *f, const void *text, size_t len)
{
	uint8_t message[128];

	assert_int_equal(recv(f->peer, message, sizeof(message), MSG_DONTWAIT), len);
	assert_memory_equal(message, text, len);
}

static void reply(struct fixture *f, const void *text, size_t len)
{
	assert_int_equal(send(f->peer, text, len, 0), len);
	assert_true(loop_turn(f->loop, 0) >= 0);
}

static void expect_nobody(struct fixture *f)
{
	assert_int_equal(f->n_done, 1);
	for (unsigned i = 0; i < f->burst.n; i++)
		assert_int_equal(f->data[i], 0xffff);
}

static void test_transfer(void **state)
{
	struct fixture *f = *state;

	f->part->ops->select(f->part, true);
	begin(f, 2);
	expect_message(f, "X\3\20\1\1\22\2\22", 8);
	assert_int_equal(f->n_done, 0);
	reply(f, "Xabc\5\6\7\10", 8);
	assert_int_equal(f->n_done, 1);
	assert_int_equal(f->data[0], 0x0605);
	assert_int_equal(f->data[1], 0x0807);
	begin(f, 1);
	expect_message(f, "X\3\20\0\1\22", 6);
	reply(f, "X\0\0\0\1\0", 6);
	assert_int_equal(f->data[0], 1);
	f->part->ops->select(f->part, false);
	assert_true(loop_turn(f->loop, 0) > 0);
	expect_message(f, "E\0\0\0", 4);
	/* The end is told before what follows it. */
	f->part->ops->select(f->part, true);
	f->part->ops->select(f->part, false);
	f->part->ops->select(f->part, true);
	begin(f, 1);
	expect_message(f, "E\0\0\0", 4);
	expect_message(f, "X\3\20\1\1\22", 6);
	reply(f, "X\0\0\0\1\0", 6);
	assert_true(loop_turn(f->loop, 0) >= 0);
	assert_int_equal(recv(f->peer, f->data, 2, MSG_DONTWAIT), -1);
}

static void test_stall(void **state)
{
	struct fixture *f = *state;

	begin(f, 3);
	f->now = SPI_UNIX_LIMIT_NS - 1;
	assert_int_equal(loop_turn(f->loop, 0), 0);
	f->now++;
	assert_int_equal(loop_turn(f->loop, 0), 1);
	expect_nobody(f);
	close(f->peer);
	/* The next transfer finds it again. */
	begin(f, 1);
	accept_peer(f);
	expect_message(f, "X\3\20\0\1\22", 6);
	reply(f, "X\0\0\0\2\0", 6);
	assert_int_equal(f->data[0], 2);
}

static void test_hang_up(void **state)
{
	struct fixture *f = *state;

	close(f->peer);
	assert_true(loop_turn(f->loop, 0) > 0);
	begin(f, 2);
	accept_peer(f);
	close(f->peer);
	assert_true(loop_turn(f->loop, 0) > 0);
	expect_nobody(f);
	/* Not even a socket. */
	unix_socket_close(&f->socket);
	begin(f, 2);
	expect_nobody(f);
	f->peer = dup(STDERR_FILENO);
}

/* A short answer, a long one, another type, one that was not asked for. */
static void test_lies(void **state)
{
	static const struct {
		const char *text;
		size_t len;
	} lies[] = {{"X\0\0\0\1", 5}, {"X\0\0\0\1\2\3\4", 8}, {"E\0\0\0\1\2", 6}, {"X", 1}};
	struct fixture *f = *state;

	for (unsigned i = 0; i < 4; i++) {
		begin(f, 1);
		if (i)
			accept_peer(f);
		reply(f, lies[i].text, lies[i].len);
		expect_nobody(f);
		close(f->peer);
	}
	begin(f, 1);
	accept_peer(f);
	reply(f, "X\0\0\0\1\0", 6);
	assert_int_equal(f->data[0], 1);
	reply(f, "X\0\0\0\1\0", 6);
	assert_int_equal(f->n_done, 1);
	assert_int_equal(recv(f->peer, f->data, 6, 0), 6); /* what was sent */
	assert_int_equal(recv(f->peer, f->data, 1, 0), 0);
}

/* One that takes nothing: its socket fills, and it is let go. */
static void test_full(void **state)
{
	struct fixture *f = *state;
	uint8_t message[8];
	unsigned n = 0;
	ssize_t got;

	for (unsigned i = 0; i < 100000; i++) {
		f->part->ops->select(f->part, false);
		assert_true(loop_turn(f->loop, 0) > 0);
	}
	while ((got = recv(f->peer, message, sizeof(message), MSG_DONTWAIT)) > 0)
		n++;
	assert_int_equal(got, 0); /* hung up, and not only empty */
	assert_in_range(n, 1, 99999);
}

static void test_mistakes(void **state)
{
	struct fixture *f = *state;
	struct spi_part *p;
	struct err e;

	assert_int_equal(spi_unix_new(f->loop, "--spi 0:1=unix", "/nonexistent/s", &p, &e),
			 -ENOENT);
	assert_non_null(strstr(e.text, "--spi 0:1=unix:/nonexistent/s: No such file"));
	assert_non_null(strstr(e.text, "start the program"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_transfer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stall, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hang_up, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lies, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mistakes, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
