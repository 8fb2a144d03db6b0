/* SPDX-License-Identifier: MIT */
/*
 * bench/ring: what a chain costs the device's side of a ring.
 *
 *	ring [ROUNDS [SECONDS]] KRING.SO
 *
 * A driver fills the ring with chains of three parts, as a disk's requests have; then the device
 * pops, pushes and publishes all of them, and decides about an interrupt; then the driver reaps.
 * Figures are of the device's part alone: nanoseconds of CPU for a chain, and millions of chains
 * for a CPU second, medians over ROUNDS (7) of SECONDS (0.2) each, all rows in turn; cache misses
 * for a chain where the host lets us count them. The driver is Linux' (tests/kernel_ring); it knows
 * no IN_ORDER, so those rows, and one to compare them with, have the driver of the unit tests.
 */
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/bits.h"
#include "kernel_ring/load.h"
#include "lib/guest_packed.h"
#include "virtio/virtq.h"

#define RAM        0x80000000ull
#define RAM_SIZE   (8u << 20)
#define DATA       (RAM + (4u << 20))
#define SIZE       256u
#define PARTS      3u
#define MAX_ROUNDS 31u

struct bench {
	const struct kring_ops *k;
	bool ours; /* the driver of the unit tests, not Linux' */
	uint64_t features;
	struct gmem *mem;
	uint8_t *ram;
	struct guest_ring split;
	struct guest_packed packed;
	struct virtq vq;
	struct virtq_waiting waiting[SIZE];
	struct virtq_chain c[SIZE];
	int perf; /* counts cache misses, or -1 */
};

struct row {
	const char *name;
	uint64_t features;
	bool ours;
};

struct figure {
	double ns, misses;
};

static const uint32_t part_len[PARTS] = {16, 512, 1};

static _Noreturn void die(const char *what)
{
	(void)fprintf(stderr, "bench/ring: %s\n", what);
	exit(1);
}

static bool is_packed(const struct bench *b)
{
	return b->features & VIRTIO_F_RING_PACKED;
}

/* ---- the driver ---- */

static void nothing(void *arg)
{
}

static void notify(void *arg, uint32_t data)
{
}

static void open_ours(struct bench *b, struct virtq_setup *s)
{
	bool event_idx = b->features & VIRTIO_F_EVENT_IDX;
	bool in_order = b->features & VIRTIO_F_IN_ORDER;

	if (is_packed(b)) {
		guest_packed_init(&b->packed, b->mem, RAM, SIZE, (struct guest_place){0, true},
				  event_idx);
		if (in_order)
			guest_packed_in_order(&b->packed);
		s->desc = b->packed.desc;
		s->driver = b->packed.driver;
		s->device = b->packed.device;
	} else {
		guest_ring_init(&b->split, b->mem, RAM, SIZE, 0, event_idx);
		if (in_order)
			guest_ring_in_order(&b->split);
		s->desc = b->split.desc;
		s->driver = b->split.avail;
		s->device = b->split.used;
	}
	s->size = SIZE;
}

static void open_ring(struct bench *b)
{
	struct virtq_setup s = {.features = b->features, .waiting = b->waiting};
	struct kring_config config = {.host = b->ram,
				      .gpa = RAM,
				      .len = DATA - RAM,
				      .size = SIZE,
				      .features = b->features,
				      .notify = notify,
				      .stop = nothing,
				      .start = nothing};

	if (b->ours) {
		open_ours(b, &s);
	} else {
		if (b->k->open(&config))
			die("not enough memory");
		b->k->where(&s.desc, &s.driver, &s.device, &s.size);
	}
	if (virtq_init(&b->vq, b->mem, &s))
		die("the ring cannot be");
}

static void close_ring(struct bench *b)
{
	if (!b->ours)
		b->k->close();
	else if (is_packed(b))
		guest_packed_fini(&b->packed);
	else
		guest_ring_fini(&b->split);
}

/* One chain; false when the ring is full. */
static bool add(struct bench *b, unsigned i)
{
	uint64_t gpa = DATA + 1024ull * i;
	struct kring_part k[PARTS];
	struct guest_part g[PARTS];

	for (unsigned p = 0; p < PARTS; p++) {
		g[p] = (struct guest_part){gpa, part_len[p], p > 0};
		k[p] = (struct kring_part){b->ram + (gpa - RAM), part_len[p]};
		gpa += part_len[p];
	}
	if (!b->ours)
		return !b->k->add(k, 1, PARTS - 1, b);
	return (is_packed(b) ? guest_packed_add(&b->packed, g, PARTS, 0)
			     : guest_ring_add(&b->split, g, PARTS, 0, 0)) >= 0;
}

static void publish(struct bench *b)
{
	if (!b->ours)
		b->k->kick();
	else if (is_packed(b))
		(void)guest_packed_announce(&b->packed);
	else
		(void)guest_ring_publish(&b->split);
}

static unsigned reap(struct bench *b)
{
	uint32_t id, len;
	uint16_t id16;
	unsigned n = 0;

	if (!b->ours)
		while (b->k->get(&len))
			n++;
	else if (is_packed(b))
		while (guest_packed_reap(&b->packed, &id16, &len))
			n++;
	else
		while (guest_ring_reap(&b->split, &id, &len))
			n++;
	return n;
}

/* ---- the device ---- */

static unsigned serve(struct bench *b)
{
	unsigned n = 0;

	virtq_disable_kicks(&b->vq);
	do {
		while (virtq_pop(&b->vq, &b->c[n]) == 1)
			n++;
	} while (virtq_enable_kicks(&b->vq));
	for (unsigned i = 0; i < n; i++)
		virtq_push(&b->vq, &b->c[i], b->c[i].write_len);
	virtq_publish(&b->vq);
	(void)virtq_wants_interrupt(&b->vq);
	return n;
}

/* ---- measuring ---- */

static double cpu_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static int perf_open(void)
{
	struct perf_event_attr attr = {.type = PERF_TYPE_HARDWARE,
				       .size = sizeof(attr),
				       .config = PERF_COUNT_HW_CACHE_MISSES,
				       .exclude_kernel = 1,
				       .exclude_hv = 1};

	return (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
}

static double misses_now(const struct bench *b)
{
	uint64_t n = 0;

	if (b->perf >= 0 && read(b->perf, &n, sizeof(n)) != sizeof(n))
		die("the cache misses cannot be read");
	return (double)n;
}

static struct figure measure(struct bench *b, const struct row *row, double seconds)
{
	double spent = 0, missed = 0;
	uint64_t n = 0;

	b->features = row->features | VIRTIO_F_VERSION_1;
	b->ours = row->ours;
	open_ring(b);
	while (spent < seconds * 1e9) {
		unsigned made = 0, served;
		double from, misses;

		while (add(b, made))
			made++;
		publish(b);
		misses = misses_now(b);
		from = cpu_now();
		served = serve(b);
		spent += cpu_now() - from;
		missed += misses_now(b) - misses;
		if (served != made || reap(b) != made)
			die("chains were lost");
		n += served;
	}
	close_ring(b);
	return (struct figure){spent / (double)n, missed / (double)n};
}

static int by_ns(const void *a, const void *b)
{
	double x = ((const struct figure *)a)->ns, y = ((const struct figure *)b)->ns;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	enum { N_ROWS = 10 };
	const uint64_t packed = VIRTIO_F_RING_PACKED, event = VIRTIO_F_EVENT_IDX;
	const uint64_t indirect = VIRTIO_F_INDIRECT_DESC, in_order = VIRTIO_F_IN_ORDER;
	const struct row rows[N_ROWS] = {
		{"split", 0, false},
		{"split, event index", event, false},
		{"split, event index, indirect", event | indirect, false},
		{"split, event index; our driver", event, true},
		{"split, event index, in order; our driver", event | in_order, true},
		{"packed", packed, false},
		{"packed, event index", packed | event, false},
		{"packed, event index, indirect", packed | event | indirect, false},
		{"packed, event index; our driver", packed | event, true},
		{"packed, event index, in order; our driver", packed | event | in_order, true},
	};
	static struct figure f[N_ROWS][MAX_ROUNDS];
	unsigned long rounds = argc > 2 ? strtoul(argv[1], NULL, 10) : 7;
	double seconds = argc > 3 ? strtod(argv[2], NULL) : 0.2;
	static struct bench b;

	if (argc < 2 || argc > 4 || !rounds || rounds > MAX_ROUNDS || seconds <= 0)
		die("usage: ring [ROUNDS [SECONDS]] KRING.SO");
	b.k = kring_load(argv[argc - 1]);
	if (!b.k || gmem_new(&b.mem) || gmem_add_ram(b.mem, RAM, RAM_SIZE))
		die("cannot begin");
	b.ram = gmem_map(b.mem, RAM, RAM_SIZE);
	b.perf = perf_open();
	for (unsigned i = 0; i < SIZE; i++)
		if (virtq_chain_init(&b.c[i], PARTS))
			die("not enough memory");
	for (unsigned i = 0; i < rounds; i++)
		for (unsigned r = 0; r < N_ROWS; r++)
			f[r][i] = measure(&b, &rows[r], seconds);
	printf("%-44s %9s %9s %9s\n", "device's side", "ns/chain", "M/CPU-s", "misses");
	for (unsigned r = 0; r < N_ROWS; r++) {
		const struct figure *m = &f[r][rounds / 2];

		qsort(f[r], rounds, sizeof(f[r][0]), by_ns);
		printf("%-44s %9.1f %9.1f ", rows[r].name, m->ns, 1e3 / m->ns);
		if (b.perf >= 0)
			printf("%9.2f\n", m->misses);
		else
			printf("%9s\n", "-");
	}
	return 0;
}
