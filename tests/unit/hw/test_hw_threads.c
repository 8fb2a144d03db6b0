/* SPDX-License-Identifier: MIT */
/* Parts that several threads touch at once: vCPUs at the registers, the loop and devices behind.
 * Worth most under ThreadSanitizer. */
#include "hw_test.h"

#include <pthread.h>
#include <sched.h>

#include "backend/chr.h"
#include "base/bits.h"
#include "base/loop.h"
#include "hw/plic.h"
#include "hw/uart8250.h"

#define UART    0x10000000u
#define PLIC    0xc000000u
#define N_CHARS 30000u
#define N_IRQS  3000u

/* Two guest CPUs print, one by registers and one by the firmware's way; everything arrives, each
 * sender's characters in order. */
struct world {
	struct chr chr; /* first */
	struct bus *bus;
	struct loop *loop;
	struct uart8250 *u;
	uint8_t out[2 * N_CHARS];
	size_t n_out;
	unsigned n_writes;
};

static ssize_t world_write(struct chr *c, const uint8_t *buf, size_t len)
{
	struct world *w = (struct world *)c;

	len = min_u64(len, sizeof(w->out) - w->n_out);
	memcpy(w->out + w->n_out, buf, len);
	w->n_out += len;
	w->n_writes++;
	return (ssize_t)len;
}

static void world_want(struct chr *c, bool want)
{
}

static const struct chr_ops world_ops = {.write = world_write, .want_input = world_want};

static void *loop_main(void *arg)
{
	loop_run(((struct world *)arg)->loop);
	return NULL;
}

static void *register_printer(void *arg)
{
	struct world *w = arg;
	uint64_t lsr;

	for (unsigned i = 0; i < N_CHARS; i++) {
		do {
			if (bus_read(w->bus, UART + 5, 1, &lsr))
				return w;
			if (!(lsr & 0x20))
				sched_yield();
		} while (!(lsr & 0x20));
		if (bus_write(w->bus, UART, 1, i & 0x7f))
			return w;
	}
	return NULL;
}

static void *debug_printer(void *arg)
{
	struct world *w = arg;

	for (unsigned i = 0; i < N_CHARS; i++) {
		uint8_t c = (uint8_t)(0x80 | (i & 0x7f));

		while (!uart8250_debug_write(w->u, &c, 1))
			sched_yield();
	}
	return NULL;
}

static void stop_loop(void *arg)
{
	loop_stop(((struct world *)arg)->loop);
}

static void flush_task(struct loop_task *t)
{
	struct world *w = t->arg;

	uart8250_flush(w->u, stop_loop, w);
}

static void test_uart(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct uart8250_config cfg = {.base = UART, .chr = &w->chr};
	struct loop_task flush = {.fn = flush_task, .arg = w};
	unsigned next[2] = {0, 0};
	pthread_t loop, t[2];
	void *failed;

	w->chr.ops = &world_ops;
	assert_int_equal(bus_new(&w->bus), 0);
	assert_int_equal(loop_new(&w->loop), 0);
	cfg.bus = w->bus;
	cfg.loop = w->loop;
	assert_int_equal(uart8250_new(&cfg, &w->u), 0);
	assert_int_equal(pthread_create(&loop, NULL, loop_main, w), 0);
	assert_int_equal(pthread_create(&t[0], NULL, register_printer, w), 0);
	assert_int_equal(pthread_create(&t[1], NULL, debug_printer, w), 0);
	for (unsigned i = 0; i < 2; i++) {
		pthread_join(t[i], &failed);
		assert_null(failed);
	}
	loop_post(w->loop, &flush);
	pthread_join(loop, NULL);

	assert_true(w->n_out >= N_CHARS);
	for (size_t i = 0; i < w->n_out; i++) {
		unsigned who = w->out[i] >> 7;

		/* A register write may find that the other has just filled the ring: lost, as
		 * on hardware. What the firmware's way has taken always arrives. */
		if (who)
			assert_int_equal(w->out[i] & 0x7f, next[1] & 0x7f);
		next[who]++;
	}
	assert_int_equal(next[1], N_CHARS);
	assert_true(w->n_writes < w->n_out);
	loop_adopt(w->loop);
	uart8250_free(w->u);
	bus_free(w->bus);
	loop_free(w->loop);
	free(w);
}

/* A device thread raises a source and waits until it is served; two harts race for the claim. */
struct irq_world {
	struct bus *bus;
	struct irq source;
	struct wires out;
	atomic_bool high, done;
	atomic_uint n_served;
};

static void *claimer(void *arg)
{
	struct irq_world *w = arg;
	uint64_t source;

	while (!atomic_load(&w->done)) {
		if (!atomic_load(&w->out.level)) {
			sched_yield();
			continue;
		}
		if (bus_read(w->bus, PLIC + 0x200004, 4, &source))
			return w;
		if (!source)
			continue;
		atomic_fetch_add(&w->n_served, 1);
		atomic_store(&w->high, false);
		irq_follow(w->source, &w->high);
		if (bus_write(w->bus, PLIC + 0x200004, 4, source))
			return w;
	}
	return NULL;
}

static void test_plic(void **state)
{
	struct irq_world w = {0};
	struct irq outputs[1] = {wires_irq(&w.out, 0)};
	struct plic_config cfg = {.base = PLIC,
				  .size = 0x600000,
				  .n_sources = 95,
				  .n_contexts = 1,
				  .outputs = outputs};
	struct plic *p;
	pthread_t t[2];
	void *failed;

	assert_int_equal(bus_new(&w.bus), 0);
	cfg.bus = w.bus;
	assert_int_equal(plic_new(&cfg, &p), 0);
	w.source = plic_irq(p, 77);
	wr(w.bus, PLIC + 4 * 77, 4, 1);
	wr(w.bus, PLIC + 0x2008, 4, 1u << (77 - 64));
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&t[i], NULL, claimer, &w), 0);
	for (unsigned i = 0; i < N_IRQS; i++) {
		atomic_store(&w.high, true);
		irq_follow(w.source, &w.high);
		while (atomic_load(&w.high)) /* no interrupt is ever lost, or this hangs */
			sched_yield();
	}
	atomic_store(&w.done, true);
	for (unsigned i = 0; i < 2; i++) {
		pthread_join(t[i], &failed);
		assert_null(failed);
	}
	assert_true(w.n_served >= N_IRQS);
	plic_free(p);
	bus_free(w.bus);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_uart),
					   cmocka_unit_test(test_plic)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
