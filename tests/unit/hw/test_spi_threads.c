/* SPDX-License-Identifier: MIT */
/* An SPI controller with all that can be at it at once: a vCPU that transfers, another that looks,
 * the loop, and a program that plays the part. Worth most under ThreadSanitizer. */
#include "hw_test.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/loop.h"
#include "base/unix_socket.h"
#include "hw/dw_spi.h"
#include "hw/spi_bus.h"
#include "hw/spi_unix.h"

#define BASE        0x4180000u
#define SSIENR      (BASE + 0x08)
#define SER         (BASE + 0x10)
#define BAUDR       (BASE + 0x14)
#define RXFLR       (BASE + 0x24)
#define ISR         (BASE + 0x30)
#define DR          (BASE + 0x60)
#define N_TRANSFERS 300u
#define N_FRAMES    20u

struct world {
	struct bus *bus;
	struct loop *loop;
	struct unix_socket socket;
	int peer;
	atomic_bool done;
};

/* The part's time limit never comes, however busy the host is. */
static uint64_t stands(void *arg)
{
	return 0;
}

static void *loop_main(void *arg)
{
	struct world *w = arg;

	loop_adopt(w->loop);
	loop_run(w->loop);
	return NULL;
}

/* Answers each frame by its complement. */
static void *peer_main(void *arg)
{
	struct world *w = arg;
	uint8_t message[SPI_UNIX_HEADER + 2 * SPI_UNIX_FRAMES];
	ssize_t n;

	while ((n = recv(w->peer, message, sizeof(message), 0)) > 0) {
		if (message[0] != SPI_UNIX_TRANSFER)
			continue;
		for (ssize_t i = SPI_UNIX_HEADER; i < n; i++)
			message[i] = (uint8_t)~message[i];
		if (send(w->peer, message, (size_t)n, MSG_NOSIGNAL) != n)
			return w;
	}
	return NULL;
}

static void *onlooker_main(void *arg)
{
	struct world *w = arg;
	uint64_t v;

	while (!atomic_load(&w->done)) {
		if (bus_read(w->bus, ISR, 4, &v) || bus_read(w->bus, RXFLR, 4, &v))
			return w;
		sched_yield();
	}
	return NULL;
}

static void transfer(struct world *w, unsigned seed)
{
	wr(w->bus, SER, 4, 1);
	for (unsigned i = 0; i < N_FRAMES; i++)
		wr(w->bus, DR, 4, (seed + i) & 0xff);
	for (unsigned i = 0; i < N_FRAMES; i++) {
		while (!rd(w->bus, RXFLR, 4))
			sched_yield();
		assert_int_equal(rd(w->bus, DR, 4), ~(seed + i) & 0xff);
	}
	wr(w->bus, SER, 4, 0);
}

static void test_all(void **state)
{
	struct world w = {.peer = -1};
	struct dw_spi_config cfg = {.base = BASE, .name = "spi 0"};
	struct spi_part *p;
	struct dw_spi *d;
	pthread_t t[3];
	char path[64];
	void *failed;

	snprintf(path, sizeof(path), "/tmp/test_spi_threads_%d", (int)getpid());
	assert_int_equal(bus_new(&w.bus), 0);
	assert_int_equal(loop_new(&w.loop), 0);
	loop_set_clock(w.loop, stands, NULL);
	assert_int_equal(unix_socket_open(&w.socket, SOCK_SEQPACKET, "test", path, NULL), 0);
	cfg.bus = w.bus;
	cfg.loop = w.loop;
	assert_int_equal(dw_spi_new(&cfg, &d), 0);
	assert_int_equal(spi_unix_new(w.loop, "--spi 0:0=unix", path, &p, NULL), 0);
	assert_int_equal(dw_spi_attach(d, p, 0), 0);
	w.peer = accept(w.socket.fd, NULL, NULL);
	assert_true(w.peer >= 0);
	wr(w.bus, BAUDR, 4, 2);
	wr(w.bus, SSIENR, 4, 1);
	pthread_create(&t[0], NULL, loop_main, &w);
	pthread_create(&t[1], NULL, peer_main, &w);
	pthread_create(&t[2], NULL, onlooker_main, &w);
	for (unsigned n = 0; n < N_TRANSFERS; n++)
		transfer(&w, n * 7);
	atomic_store(&w.done, true);
	loop_stop(w.loop);
	pthread_join(t[0], &failed);
	loop_adopt(w.loop);
	pthread_join(t[2], &failed);
	assert_null(failed);
	dw_spi_free(d); /* hangs up */
	pthread_join(t[1], &failed);
	assert_null(failed);
	close(w.peer);
	unix_socket_close(&w.socket);
	loop_free(w.loop);
	bus_free(w.bus);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_all)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
