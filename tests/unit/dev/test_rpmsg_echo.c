/* SPDX-License-Identifier: MIT */
/* The remote of --rpmsg echo, driven as Linux' virtio_rpmsg_bus does it, and otherwise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "dev/rpmsg_echo.h"
#include "lib/driver.h"
#include "rpmsg/proto.h"

#define TX     0u /* the device's, that is */
#define RX     1u
#define SIZE   8u
#define US     1024u
#define BUFFER 512u

struct fixture {
	struct driver d;
	uint64_t tx[SIZE], rx;
	int head[SIZE]; /* of tx[i], made available */
	uint32_t addr[4];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct vdev *dev;

	assert_non_null(f);
	driver_init(&f->d);
	assert_int_equal(rpmsg_echo_new(f->d.loop, &dev), 0);
	driver_plug(&f->d, dev);
	for (unsigned i = 0; i < SIZE; i++)
		f->tx[i] = driver_alloc(&f->d, BUFFER);
	f->rx = driver_alloc(&f->d, BUFFER);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	driver_fini(&f->d);
	free(f);
	return 0;
}

static void give(struct fixture *f, unsigned i)
{
	const struct guest_part part = {.gpa = f->tx[i], .len = BUFFER, .write = true};

	f->head[i] = driver_submit(&f->d, TX, &part, 1);
}

static void begin(struct fixture *f, uint64_t features, unsigned n_buffers)
{
	assert_true(driver_negotiate(&f->d, features));
	driver_queue(&f->d, TX, SIZE, false);
	driver_queue(&f->d, RX, SIZE, false);
	for (unsigned i = 0; i < n_buffers; i++)
		give(f, i);
	driver_ok(&f->d);
	driver_settle(&f->d);
}

/* The buffer that the device used next: its number, and its length. -1: none. */
static int used(struct fixture *f, uint32_t *len)
{
	uint32_t id;

	driver_settle(&f->d);
	if (!guest_ring_reap(&f->d.ring[TX], &id, len))
		return -1;
	for (unsigned i = 0; i < SIZE; i++) {
		if (f->head[i] == (int)id) {
			f->head[i] = -1;
			return (int)i;
		}
	}
	fail();
	return -1;
}

static void announced(struct fixture *f, uint32_t addr[4])
{
	static const char *const names[] = {"rpmsg-raw", "rpmsg-tty", "rpmsg-client-sample",
					    "linnet-slow"};

	for (unsigned n = 0; n < 4; n++) {
		uint32_t len;
		int i = used(f, &len);
		const uint8_t *p;

		assert_true(i >= 0);
		p = driver_ptr(&f->d, f->tx[i], BUFFER);
		assert_int_equal(len, 16 + 40);
		assert_int_equal(rpmsg_header_load(p).dst, 53);
		assert_string_equal((const char *)p + 16, names[n]);
		addr[n] = rpmsg_load32(p + 16 + 32);
		assert_int_equal(rpmsg_load32(p + 16 + 36), 0);
		give(f, (unsigned)i);
	}
}

static int say(struct fixture *f, uint32_t to, uint16_t flags, const void *data, uint16_t len,
	       uint32_t cut)
{
	uint8_t *p = driver_ptr(&f->d, f->rx, BUFFER);
	const struct rpmsg_header h = {.src = US, .dst = to, .len = len, .flags = flags};
	const struct guest_part part[] = {{.gpa = f->rx, .len = cut},
					  {.gpa = f->rx + cut, .len = 16 + len - cut}};
	int head;

	rpmsg_header_store(p, &h);
	memcpy(p + 16, data, len);
	head = driver_submit(&f->d, RX, cut ? part : part + 1, cut ? 2 : 1);
	driver_kick(&f->d, RX);
	driver_settle(&f->d);
	return head;
}

static void test_names(void **state)
{
	struct fixture *f = *state;
	uint32_t len;

	assert_true(driver_offered(&f->d) & RPMSG_VIRTIO_F_NS);
	begin(f, RPMSG_VIRTIO_F_NS, SIZE);
	announced(f, f->addr);
	assert_true(f->addr[0] >= 1024 && f->addr[1] > f->addr[0] && f->addr[2] > f->addr[1]);
	assert_int_equal(used(f, &len), -1);

	/* Once more after a reset; never without the feature. */
	driver_reset(&f->d);
	begin(f, RPMSG_VIRTIO_F_NS, SIZE);
	announced(f, f->addr);
	driver_reset(&f->d);
	begin(f, 0, SIZE);
	assert_int_equal(used(f, &len), -1);
}

/* Buffers that come one by one, after DRIVER_OK. */
static void test_names_wait(void **state)
{
	struct fixture *f = *state;
	uint32_t len;

	begin(f, RPMSG_VIRTIO_F_NS, 0);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(used(f, &len), -1);
		give(f, i);
		driver_kick(&f->d, TX);
		assert_int_equal(used(f, &len), (int)i);
	}
	give(f, 0);
	assert_int_equal(used(f, &len), -1);
}

static void test_echo(void **state)
{
	struct fixture *f = *state;
	uint8_t data[496];

	begin(f, RPMSG_VIRTIO_F_NS, SIZE);
	announced(f, f->addr);
	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 5 + 3);
	for (uint16_t n = 0; n <= 496; n++) {
		int head = say(f, f->addr[n % 3], n, data + 496 - n, n, n % 16);
		struct rpmsg_header h;
		const uint8_t *p;
		uint32_t len;
		int i = used(f, &len);

		assert_int_equal(driver_wait(&f->d, RX, head), 0);
		assert_true(i >= 0);
		p = driver_ptr(&f->d, f->tx[i], BUFFER);
		h = rpmsg_header_load(p);
		assert_int_equal(len, 16 + n);
		assert_int_equal(h.len, n);
		assert_int_equal(h.src, f->addr[n % 3]);
		assert_int_equal(h.dst, US);
		assert_int_equal(h.flags, n);
		assert_memory_equal(p + 16, data + 496 - n, n);
		give(f, (unsigned)i);
		driver_kick(&f->d, TX);
		assert_int_equal(used(f, &len), -1);
	}
}

/* No buffers to answer into: one message is held, the others stay in their ring, none is lost. */
static void test_back_pressure(void **state)
{
	struct fixture *f = *state;
	uint32_t len, id;

	begin(f, RPMSG_VIRTIO_F_NS, 4);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(used(f, &len), (int)i);
	for (unsigned n = 0; n < 4; n++) {
		uint8_t word = (uint8_t)n;

		f->rx = driver_alloc(&f->d, BUFFER);
		say(f, 1024, 0, &word, 1, 0);
	}
	assert_true(guest_ring_reap(&f->d.ring[RX], &id, &len));
	assert_false(guest_ring_reap(&f->d.ring[RX], &id, &len));
	for (unsigned n = 0; n < 4; n++) {
		const uint8_t *p = driver_ptr(&f->d, f->tx[n], BUFFER);

		assert_int_equal(used(f, &len), -1);
		give(f, n);
		driver_kick(&f->d, TX);
		assert_int_equal(used(f, &len), (int)n);
		assert_int_equal(p[16], n);
	}
	for (unsigned n = 0; n < 3; n++)
		assert_true(guest_ring_reap(&f->d.ring[RX], &id, &len));

	/* A reset with a message that waits: it is gone. */
	say(f, 1024, 0, "x", 1, 0);
	driver_reset(&f->d);
	begin(f, RPMSG_VIRTIO_F_NS, SIZE);
	announced(f, f->addr);
	assert_int_equal(used(f, &len), -1);
	say(f, 1024, 0, "y", 1, 0);
	assert_int_equal(used(f, &len), 4);
}

/* The slow channel holds a message until its time has come, or the device is reset. */
static void test_slow(void **state)
{
	struct fixture *f = *state;
	uint32_t len;
	int i;

	begin(f, RPMSG_VIRTIO_F_NS, SIZE);
	announced(f, f->addr);
	say(f, f->addr[3], 0, "x", 1, 0);
	driver_reset(&f->d);
	begin(f, RPMSG_VIRTIO_F_NS, SIZE);
	announced(f, f->addr);
	say(f, f->addr[3], 0, "y", 1, 0);
	do {
		i = used(f, &len);
	} while (i < 0);
	assert_int_equal(len, 17);
	assert_int_equal(*((uint8_t *)driver_ptr(&f->d, f->tx[i], BUFFER) + 16), 'y');
}

static void test_nobody(void **state)
{
	struct fixture *f = *state;
	uint32_t len;

	begin(f, RPMSG_VIRTIO_F_NS, SIZE);
	announced(f, f->addr);
	say(f, 7, 0, "x", 1, 0);
	assert_int_equal(used(f, &len), -1);
	/* A length beyond the message. */
	rpmsg_store16((uint8_t *)driver_ptr(&f->d, f->rx, BUFFER) + RPMSG_AT_DST, 1024);
	rpmsg_store16((uint8_t *)driver_ptr(&f->d, f->rx, BUFFER) + RPMSG_AT_LEN, 2);
	driver_submit(&f->d, RX, &(struct guest_part){.gpa = f->rx, .len = 17}, 1);
	driver_kick(&f->d, RX);
	assert_int_equal(used(f, &len), -1);
	say(f, 1024, 0, "x", 1, 0);
	assert_true(used(f, &len) >= 0);
}

static void breaks(struct fixture *f)
{
	driver_await(&f->d, VIRTIO_MMIO_STATUS, 0x4f);
	driver_reset(&f->d);
	begin(f, RPMSG_VIRTIO_F_NS, SIZE);
	announced(f, f->addr);
}

static void test_broken(void **state)
{
	struct fixture *f = *state;

	begin(f, RPMSG_VIRTIO_F_NS, 0);
	driver_submit(&f->d, TX, &(struct guest_part){.gpa = f->tx[0], .len = 511, .write = true},
		      1);
	driver_kick(&f->d, TX);
	breaks(f);
	driver_submit(&f->d, RX, &(struct guest_part){.gpa = f->rx, .len = 15}, 1);
	driver_kick(&f->d, RX);
	breaks(f);
	driver_submit(&f->d, RX, &(struct guest_part){.gpa = f->rx, .len = 512, .write = true}, 1);
	driver_kick(&f->d, RX);
	breaks(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_names, setup, teardown),
		cmocka_unit_test_setup_teardown(test_names_wait, setup, teardown),
		cmocka_unit_test_setup_teardown(test_echo, setup, teardown),
		cmocka_unit_test_setup_teardown(test_back_pressure, setup, teardown),
		cmocka_unit_test_setup_teardown(test_slow, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nobody, setup, teardown),
		cmocka_unit_test_setup_teardown(test_broken, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
