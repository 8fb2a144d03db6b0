/* SPDX-License-Identifier: MIT */
/* The console with several ports, over the real transport and pairs of streams. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/driver.h"
#include "lib/rand.h"
#include "backend/chr.h"
#include "backend/chr_pair.h"
#include "base/endian.h"
#include "dev/console.h"

#define PORTS       4u
#define F_MULTIPORT BIT(1)

enum { CONTROL_RX = 2, CONTROL_TX = 3 };
enum { READY, ADD, REMOVE, PORT_READY, CONSOLE, RESIZE, OPEN, NAME };

/* The far end of a port's stream: what a person or a program sees. */
struct far {
	struct chr *chr;
	uint8_t *got;
	size_t len, max; /* takes no more than max bytes */
	bool ended;
};

struct world {
	struct driver d;
	struct chr *near[PORTS];
	struct far far[PORTS];
	uint64_t control_buf[8]; /* posted on the control queue, by head */
};

static size_t far_input(void *user, const uint8_t *buf, size_t len)
{
	struct far *f = user;
	size_t n = f->max - f->len < len ? f->max - f->len : len;

	f->got = realloc(f->got, f->len + n + 1);
	memcpy(f->got + f->len, buf, n);
	f->len += n;
	return n;
}

static void far_end(void *user)
{
	((struct far *)user)->ended = true;
}

static void far_writable(void *user)
{
}

static const struct chr_user_ops far_ops = {
	.input = far_input, .input_end = far_end, .writable = far_writable};

/* Port 0: a console; 1: "out"; 2: "in", closed at its end; 3: not there. */
static int setup(void **state)
{
	static struct world w;
	struct console_port_config port[PORTS] = {
		{.is_console = true}, {.name = "out"}, {.name = "in", .close_at_end = true}, {0}};
	struct console_config config = {.port = port, .n_ports = PORTS};
	struct vdev *dev;

	memset(&w, 0, sizeof(w));
	driver_init(&w.d);
	for (unsigned i = 0; i < 3; i++) {
		struct far *f = &w.far[i];

		assert_int_equal(chr_pair_new(w.d.loop, &w.near[i], &f->chr), 0);
		port[i].chr = w.near[i];
		f->max = SIZE_MAX;
		chr_attach(f->chr, &far_ops, f);
		chr_want_input(f->chr, true);
	}
	config.loop = w.d.loop;
	assert_int_equal(console_new(&config, &dev), 0);
	driver_plug(&w.d, dev);
	*state = &w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	for (unsigned i = 0; i < PORTS; i++) {
		chr_free(w->far[i].chr);
		free(w->far[i].got);
	}
	/* The device's ends after the device. */
	driver_unplug(&w->d);
	for (unsigned i = 0; i < PORTS; i++)
		chr_free(w->near[i]);
	driver_fini(&w->d);
	return 0;
}

static unsigned rx_of(unsigned port)
{
	return port ? 2 * port + 2 : 0;
}

static unsigned tx_of(unsigned port)
{
	return rx_of(port) + 1;
}

static void post_control(struct world *w)
{
	struct guest_part p = {driver_alloc(&w->d, 32), 32, true};
	int head = driver_submit(&w->d, CONTROL_RX, &p, 1);

	w->control_buf[head] = p.gpa;
}

static void bring_up(struct world *w, uint64_t features)
{
	assert_true(driver_negotiate(&w->d, features));
	for (unsigned i = 0; i < 2 * PORTS + 2; i++)
		driver_queue(&w->d, i, 8, features & VIRTIO_F_EVENT_IDX);
	driver_ok(&w->d);
	driver_settle(&w->d);
}

/* Makes a message available and returns its head. */
static int utter(struct world *w, uint32_t id, uint16_t event, uint16_t value)
{
	uint64_t gpa = driver_alloc(&w->d, 8);
	struct guest_part p[2] = {{gpa, 3, false}, {gpa + 3, 5, false}};
	uint8_t *m = driver_ptr(&w->d, gpa, 8);

	le32_store(m, id);
	le16_store(m + 4, event);
	le16_store(m + 6, value);
	return driver_submit(&w->d, CONTROL_TX, p, 2);
}

static void tell(struct world *w, uint32_t id, uint16_t event, uint16_t value)
{
	assert_int_equal(driver_wait(&w->d, CONTROL_TX, utter(w, id, event, value)), 0);
	driver_settle(&w->d);
}

/* The next message of the device must be this one. */
static void expect(struct world *w, uint32_t id, uint16_t event, uint16_t value, const char *name)
{
	uint32_t head, len;
	const uint8_t *m;

	assert_true(guest_ring_reap(&w->d.ring[CONTROL_RX], &head, &len));
	m = driver_ptr(&w->d, w->control_buf[head], 32);
	assert_int_equal(len, 8 + strlen(name));
	assert_int_equal(le32_load(m), id);
	assert_int_equal(le16_load(m + 4), event);
	assert_int_equal(le16_load(m + 6), value);
	assert_memory_equal(m + 8, name, strlen(name));
	post_control(w);
	driver_settle(&w->d);
}

static void expect_silence(struct world *w)
{
	uint32_t head, len;

	driver_settle(&w->d);
	assert_false(guest_ring_reap(&w->d.ring[CONTROL_RX], &head, &len));
}

/* The whole of what Linux does at start, up to all ports open. */
static void open_all(struct world *w)
{
	bring_up(w, F_MULTIPORT | VIRTIO_F_EVENT_IDX);
	for (unsigned i = 0; i < 4; i++)
		post_control(w);
	tell(w, UINT32_MAX, READY, 1);
	for (unsigned i = 0; i < 3; i++)
		expect(w, i, ADD, 1, "");
	tell(w, 0, PORT_READY, 1);
	expect(w, 0, CONSOLE, 1, "");
	expect(w, 0, OPEN, 1, "");
	tell(w, 1, PORT_READY, 1);
	expect(w, 1, OPEN, 1, "");
	expect(w, 1, NAME, 1, "out");
	tell(w, 2, PORT_READY, 1);
	expect(w, 2, OPEN, 1, "");
	expect(w, 2, NAME, 1, "in");
	for (unsigned i = 0; i < 3; i++)
		tell(w, i, OPEN, 1);
	expect_silence(w);
}

static void say(struct world *w, unsigned port, const char *text)
{
	size_t len = strlen(text);
	uint64_t gpa = driver_alloc(&w->d, len);
	struct guest_part p = {gpa, (uint32_t)len, false};

	memcpy(driver_ptr(&w->d, gpa, len), text, len);
	driver_wait(&w->d, tx_of(port), driver_submit(&w->d, tx_of(port), &p, 1));
	driver_settle(&w->d);
}

static uint64_t listen(struct world *w, unsigned port, uint32_t len)
{
	struct guest_part p = {driver_alloc(&w->d, len), len, true};

	driver_submit(&w->d, rx_of(port), &p, 1);
	driver_settle(&w->d);
	return p.gpa;
}

static void far_says(struct world *w, unsigned port, const char *text)
{
	assert_int_equal(chr_write(w->far[port].chr, (const uint8_t *)text, strlen(text)),
			 strlen(text));
	driver_settle(&w->d);
}

static void assert_got(struct world *w, unsigned port, const char *text)
{
	assert_int_equal(w->far[port].len, strlen(text));
	assert_memory_equal(w->far[port].got, text, strlen(text));
}

static void test_config(void **state)
{
	struct world *w = *state;

	assert_int_equal(driver_read(&w->d, VIRTIO_MMIO_DEVICE_ID), 3);
	assert_int_equal(driver_offered(&w->d) & 0xffffff, F_MULTIPORT);
	assert_int_equal(driver_config(&w->d, 4, 4), PORTS);
	driver_write(&w->d, VIRTIO_MMIO_QUEUE_SEL, 2 * PORTS + 2);
	assert_int_equal(driver_read(&w->d, VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
}

static void test_output(void **state)
{
	struct world *w = *state;

	open_all(w);
	say(w, 0, "hello ");
	say(w, 1, "data");
	say(w, 0, "console");
	assert_got(w, 0, "hello console");
	assert_got(w, 1, "data");
	/* To a port that is not there: gone. */
	say(w, 3, "nobody");
}

static void test_input(void **state)
{
	struct world *w = *state;
	uint64_t a, b;

	open_all(w);
	far_says(w, 2, "abcdefgh");
	a = listen(w, 2, 5);
	assert_int_equal(driver_wait(&w->d, rx_of(2), -1), 5);
	assert_memory_equal(driver_ptr(&w->d, a, 5), "abcde", 5);
	b = listen(w, 2, 5);
	assert_int_equal(driver_wait(&w->d, rx_of(2), -1), 3);
	assert_memory_equal(driver_ptr(&w->d, b, 3), "fgh", 3);
}

/* A guest discards what comes while nobody has the port open: so it must not come. */
static void test_input_waits_for_open(void **state)
{
	struct world *w = *state;
	uint32_t id, len;

	open_all(w);
	listen(w, 2, 10);
	tell(w, 2, OPEN, 0);
	far_says(w, 2, "early");
	assert_false(guest_ring_reap(&w->d.ring[rx_of(2)], &id, &len));
	tell(w, 2, OPEN, 1);
	assert_int_equal(driver_wait(&w->d, rx_of(2), -1), 5);
}

static void test_without_multiport(void **state)
{
	struct world *w = *state;
	uint64_t a;

	assert_true(driver_negotiate(&w->d, 0));
	driver_queue(&w->d, 0, 8, false);
	driver_queue(&w->d, 1, 8, false);
	driver_ok(&w->d);
	say(w, 0, "plain");
	assert_got(w, 0, "plain");
	a = listen(w, 0, 10);
	far_says(w, 0, "typed");
	assert_int_equal(driver_wait(&w->d, 0, -1), 5);
	assert_memory_equal(driver_ptr(&w->d, a, 5), "typed", 5);
}

/* A reader that stops stops the guest's writer, and nothing is lost or doubled. */
static void test_back_pressure(void **state)
{
	struct world *w = *state;
	struct driver *d = &w->d;
	uint64_t gpa, rng = 5;
	uint32_t id, len, sent = 0, total = 400000;
	uint8_t *data;

	open_all(w);
	gpa = driver_alloc(d, total);
	data = driver_ptr(d, gpa, total);
	for (uint32_t i = 0; i < total; i++)
		data[i] = (uint8_t)rand_next(&rng);
	w->far[1].max = 1000;
	for (unsigned i = 0; i < 8 && d->ring[tx_of(1)].n_free >= 2; i++) {
		struct guest_part p[2] = {{gpa + sent, 7, false}, {gpa + sent + 7, 19993, false}};

		if (i % 2)
			driver_submit(d, tx_of(1), p, 2);
		else
			driver_submit(d, tx_of(1), &(struct guest_part){gpa + sent, 20000, false},
				      1);
		sent += 20000;
		driver_settle(d);
	}
	/* The pair holds 64 KiB and the reader took 1000 bytes: the rest waits in the ring. */
	while (guest_ring_reap(&d->ring[tx_of(1)], &id, &len))
		continue;
	assert_true(d->ring[tx_of(1)].n_free < 8);
	/* Other ports go on meanwhile. */
	say(w, 0, "alive");
	assert_got(w, 0, "alive");
	for (unsigned round = 0; sent < total || w->far[1].len < total; round++) {
		struct guest_part p = {gpa + sent, 20000, false};

		assert_true(round < 10000);
		w->far[1].max += 777;
		chr_want_input(w->far[1].chr, true);
		driver_settle(d);
		while (guest_ring_reap(&d->ring[tx_of(1)], &id, &len))
			continue;
		if (sent < total && d->ring[tx_of(1)].n_free) {
			driver_submit(d, tx_of(1), &p, 1);
			sent += 20000;
		}
	}
	assert_memory_equal(w->far[1].got, data, total);
}

static void test_input_end_closes(void **state)
{
	struct world *w = *state;
	struct guest_part p = {driver_alloc(&w->d, 10), 10, true};

	open_all(w);
	far_says(w, 2, "last");
	chr_pair_shut_write(w->far[2].chr);
	driver_settle(&w->d);
	expect_silence(w); /* the bytes are not yet taken */
	driver_submit(&w->d, rx_of(2), &p, 1);
	/* The guest sees the bytes no later than the end. */
	for (unsigned i = 0; i < 20; i++) {
		loop_turn(w->d.loop, 0);
		if (guest_ring_arm(&w->d.ring[CONTROL_RX]))
			assert_true(guest_ring_arm(&w->d.ring[rx_of(2)]));
	}
	assert_int_equal(driver_wait(&w->d, rx_of(2), -1), 4);
	expect(w, 2, OPEN, 0, "");
	/* The same on a port that stays open. */
	listen(w, 0, 10);
	chr_pair_shut_write(w->far[0].chr);
	expect_silence(w);
	say(w, 0, "still here");
	assert_got(w, 0, "still here");
}

static void test_broken_stream_closes(void **state)
{
	struct world *w = *state;

	open_all(w);
	chr_free(w->far[1].chr);
	w->far[1].chr = NULL;
	driver_settle(&w->d);
	say(w, 1, "anyone?"); /* is not stuck */
	expect(w, 1, OPEN, 0, "");
	say(w, 1, "no?");
	expect_silence(w);
	/* A driver that starts again is not told that it is open. */
	bring_up(w, F_MULTIPORT);
	for (unsigned i = 0; i < 4; i++)
		post_control(w);
	tell(w, 1, PORT_READY, 1);
	expect(w, 1, NAME, 1, "out");
	expect_silence(w);
}

/* Messages wait for buffers. */
static void test_control_buffers_are_scarce(void **state)
{
	struct world *w = *state;

	bring_up(w, F_MULTIPORT | VIRTIO_F_EVENT_IDX);
	tell(w, 0, READY, 1);
	post_control(w);
	driver_settle(&w->d);
	expect(w, 0, ADD, 1, "");
	tell(w, 1, PORT_READY, 1);
	expect(w, 1, ADD, 1, "");
	expect(w, 1, OPEN, 1, "");
	expect(w, 1, NAME, 1, "out");
	expect(w, 2, ADD, 1, "");
	expect_silence(w);
}

static void test_nonsense_is_ignored(void **state)
{
	struct world *w = *state;

	open_all(w);
	tell(w, 3, PORT_READY, 1);
	tell(w, PORTS, PORT_READY, 1);
	tell(w, UINT32_MAX, OPEN, 1);
	tell(w, 0, PORT_READY, 0);
	tell(w, 0, READY, 0);
	for (unsigned event = NAME; event < NAME + 3; event++)
		tell(w, 0, (uint16_t)event, 1);
	tell(w, 0, UINT16_MAX, 1);
	expect_silence(w);
	assert_false(driver_read(&w->d, VIRTIO_MMIO_STATUS) & VIRTIO_STATUS_NEEDS_RESET);
}

static void test_bad_buffers(void **state)
{
	struct world *w = *state;
	uint64_t gpa = driver_alloc(&w->d, 64);
	const struct {
		unsigned queue;
		struct guest_part p;
	} bad[] = {
		{CONTROL_TX, {gpa, 7, false}}, {CONTROL_TX, {gpa, 8, true}},
		{CONTROL_RX, {gpa, 7, true}},  {CONTROL_RX, {gpa, 8, false}},
		{rx_of(0), {gpa, 8, false}},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		bring_up(w, F_MULTIPORT);
		driver_submit(&w->d, bad[i].queue, &bad[i].p, 1);
		utter(w, 0, READY, 1);
		utter(w, 0, OPEN, 1);
		driver_settle(&w->d);
		if (bad[i].queue == rx_of(0))
			far_says(w, 0, "x");
		assert_true(driver_read(&w->d, VIRTIO_MMIO_STATUS) & VIRTIO_STATUS_NEEDS_RESET);
	}
}

static void test_reset_with_output_held(void **state)
{
	struct world *w = *state;
	uint64_t gpa;

	open_all(w);
	w->far[1].max = 0;
	gpa = driver_alloc(&w->d, 2 * CHR_PAIR_BUFFER);
	driver_submit(&w->d, tx_of(1), &(struct guest_part){gpa, 2 * CHR_PAIR_BUFFER, false}, 1);
	driver_settle(&w->d);
	driver_write(&w->d, VIRTIO_MMIO_QUEUE_SEL, tx_of(1));
	driver_write(&w->d, VIRTIO_MMIO_QUEUE_READY, 0);
	/* The chain was not given back as if it had been sent. */
	assert_false(guest_ring_arm(&w->d.ring[tx_of(1)]));
	driver_reset(&w->d);
	/* Room comes while the queue is stopped. */
	w->far[1].max = SIZE_MAX;
	chr_want_input(w->far[1].chr, true);
	driver_settle(&w->d);
	assert_int_equal(w->far[1].len, CHR_PAIR_BUFFER);
	open_all(w);
	say(w, 1, "again");
	assert_memory_equal(w->far[1].got + CHR_PAIR_BUFFER, "again", 5);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_config),
		T(test_output),
		T(test_input),
		T(test_input_waits_for_open),
		T(test_without_multiport),
		T(test_back_pressure),
		T(test_input_end_closes),
		T(test_broken_stream_closes),
		T(test_control_buffers_are_scarce),
		T(test_nonsense_is_ignored),
		T(test_bad_buffers),
		T(test_reset_with_output_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
