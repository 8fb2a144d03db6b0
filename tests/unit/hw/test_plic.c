/* SPDX-License-Identifier: MIT */
/* The interrupt controller: gateways, priorities, thresholds, claim and complete. */
#include "hw_test.h"

#include "hw/plic.h"

#define BASE       0xc000000u
#define N_SOURCES  95u
#define N_CONTEXTS 4u

#define PRIORITY(i)  (BASE + 4 * (i))
#define PENDING(i)   (BASE + 0x1000 + (i) / 32 * 4)
#define ENABLE(c, i) (BASE + 0x2000 + 0x80 * (c) + (i) / 32 * 4)
#define THRESHOLD(c) (BASE + 0x200000 + 0x1000 * (c))
#define CLAIM(c)     (THRESHOLD(c) + 4)

struct fixture {
	struct bus *bus;
	struct plic *p;
	struct wires out;
};

static struct plic_config config(struct fixture *f, const struct irq *outputs)
{
	return (struct plic_config){.bus = f->bus,
				    .base = BASE,
				    .size = 0x600000,
				    .n_sources = N_SOURCES,
				    .n_contexts = N_CONTEXTS,
				    .outputs = outputs};
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct irq outputs[N_CONTEXTS];
	struct plic_config cfg;

	*state = f;
	if (bus_new(&f->bus))
		return -1;
	for (unsigned c = 0; c < N_CONTEXTS; c++)
		outputs[c] = wires_irq(&f->out, c);
	cfg = config(f, outputs);
	return plic_new(&cfg, &f->p);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	plic_free(f->p);
	bus_free(f->bus);
	free(f);
	return 0;
}

static void drive(struct fixture *f, unsigned source, bool level)
{
	irq_set(plic_irq(f->p, source), level);
}

static void enable(struct fixture *f, unsigned c, unsigned source, unsigned priority)
{
	wr(f->bus, PRIORITY(source), 4, priority);
	wr(f->bus, ENABLE(c, source), 4, rd(f->bus, ENABLE(c, source), 4) | 1u << source % 32);
}

static void test_one(void **state)
{
	struct fixture *f = *state;

	enable(f, 1, 10, 1);
	assert_int_equal(rd(f->bus, CLAIM(1), 4), 0);
	drive(f, 10, true);
	assert_int_equal(f->out.level, 1 << 1);
	assert_int_equal(rd(f->bus, PENDING(10), 4), 1 << 10);
	assert_int_equal(rd(f->bus, CLAIM(0), 4), 0); /* not enabled there */
	assert_int_equal(rd(f->bus, CLAIM(1), 4), 10);
	assert_int_equal(f->out.level, 0);
	assert_int_equal(rd(f->bus, PENDING(10), 4), 0);
	assert_int_equal(rd(f->bus, CLAIM(1), 4), 0);
	/* Still high at completion: again. */
	wr(f->bus, CLAIM(1), 4, 10);
	assert_int_equal(f->out.level, 1 << 1);
	assert_int_equal(rd(f->bus, CLAIM(1), 4), 10);
	drive(f, 10, false);
	wr(f->bus, CLAIM(1), 4, 10);
	assert_int_equal(f->out.level, 0);
}

/* From outside, at each step of an interrupt. */
static void test_look(void **state)
{
	struct fixture *f = *state;
	struct plic_source s = plic_look(f->p, 10);

	assert_false(s.enabled || s.pending || s.claimed);
	enable(f, 2, 10, 3);
	wr(f->bus, THRESHOLD(2), 4, 5);
	drive(f, 10, true);
	s = plic_look(f->p, 10);
	assert_true(s.enabled && s.pending && !s.claimed);
	assert_int_equal(s.priority, 3);
	assert_int_equal(s.threshold, 5);
	assert_int_equal(rd(f->bus, CLAIM(2), 4), 10);
	s = plic_look(f->p, 10);
	assert_true(!s.pending && s.claimed);
}

/* A rise is one interrupt, though the wire stays high; what comes between claim and completion is
 * lost. */
static void test_edge(void **state)
{
	struct fixture *f = *state;
	struct irq edge = plic_edge_irq(f->p, 10);

	enable(f, 1, 10, 1);
	irq_set(edge, true);
	assert_int_equal(f->out.level, 1 << 1);
	assert_int_equal(rd(f->bus, CLAIM(1), 4), 10);
	wr(f->bus, CLAIM(1), 4, 10);
	assert_int_equal(f->out.level, 0);
	irq_set(edge, false);
	irq_set(edge, true);
	irq_set(edge, false);
	assert_int_equal(f->out.level, 1 << 1); /* pending without a level */
	assert_int_equal(rd(f->bus, CLAIM(1), 4), 10);
	irq_set(edge, true);
	wr(f->bus, CLAIM(1), 4, 10);
	assert_int_equal(f->out.level, 0);
}

static void test_gateway(void **state)
{
	struct fixture *f = *state;

	enable(f, 1, 40, 1);
	enable(f, 3, 40, 1);
	drive(f, 40, true);
	assert_int_equal(f->out.level, 1 << 1 | 1 << 3); /* two harts race for it */
	assert_int_equal(rd(f->bus, CLAIM(3), 4), 40);
	assert_int_equal(rd(f->bus, CLAIM(1), 4), 0);
	/* The gateway is closed: pulses do not get through. */
	drive(f, 40, false);
	drive(f, 40, true);
	assert_int_equal(f->out.level, 0);
	/* Completion by a context that has it not enabled, or of another source: no effect. */
	wr(f->bus, CLAIM(0), 4, 40);
	wr(f->bus, CLAIM(3), 4, 41);
	wr(f->bus, CLAIM(3), 4, 0);
	wr(f->bus, CLAIM(3), 4, 0xffffffff);
	assert_int_equal(f->out.level, 0);
	wr(f->bus, CLAIM(1), 4, 40); /* but any that has may */
	assert_int_equal(f->out.level, 1 << 1 | 1 << 3);
	/* What was latched stays, although the source went low. */
	drive(f, 40, false);
	assert_int_equal(rd(f->bus, CLAIM(1), 4), 40);
	wr(f->bus, CLAIM(1), 4, 40);
	assert_int_equal(f->out.level, 0);
}

static void test_priorities(void **state)
{
	struct fixture *f = *state;

	enable(f, 0, 3, 2);
	enable(f, 0, 95, 7);
	enable(f, 0, 64, 2);
	enable(f, 0, 5, 0); /* never */
	drive(f, 3, true);
	drive(f, 95, true);
	drive(f, 64, true);
	drive(f, 5, true);
	wr(f->bus, THRESHOLD(0), 4, 7);
	assert_int_equal(f->out.level, 0);
	wr(f->bus, THRESHOLD(0), 4, 6);
	assert_int_equal(f->out.level, 1);
	assert_int_equal(rd(f->bus, CLAIM(0), 4), 95);
	assert_int_equal(f->out.level, 0);            /* the rest is below the threshold, */
	assert_int_equal(rd(f->bus, CLAIM(0), 4), 3); /* which a claim does not ask */
	assert_int_equal(rd(f->bus, CLAIM(0), 4), 64);
	assert_int_equal(rd(f->bus, CLAIM(0), 4), 0);
	wr(f->bus, PRIORITY(5), 4, 1);
	wr(f->bus, THRESHOLD(0), 4, 0);
	assert_int_equal(f->out.level, 1);
	wr(f->bus, ENABLE(0, 5), 4, 0);
	assert_int_equal(f->out.level, 0);
}

static void test_registers(void **state)
{
	struct fixture *f = *state;

	wr(f->bus, PRIORITY(1), 4, 0xffffffff);
	assert_int_equal(rd(f->bus, PRIORITY(1), 4), 7);
	wr(f->bus, PRIORITY(0), 4, 7);
	assert_int_equal(rd(f->bus, PRIORITY(0), 4), 0);
	wr(f->bus, PRIORITY(96), 4, 7);
	assert_int_equal(rd(f->bus, PRIORITY(96), 4), 0);
	wr(f->bus, PENDING(0), 4, 0xffffffff); /* read only */
	assert_int_equal(rd(f->bus, PENDING(0), 4), 0);
	wr(f->bus, THRESHOLD(3), 4, 0xffffffff);
	assert_int_equal(rd(f->bus, THRESHOLD(3), 4), 7);
	for (unsigned w = 0; w < 32; w++) {
		const uint32_t there[] = {0xfffffffe, 0xffffffff, 0xffffffff};

		wr(f->bus, ENABLE(3, 32 * w), 4, 0xffffffff);
		assert_int_equal(rd(f->bus, ENABLE(3, 32 * w), 4), w < 3 ? there[w] : 0);
	}
	/* No fifth context, and nothing behind the registers of one. */
	wr(f->bus, ENABLE(4, 0), 4, 0xffffffff);
	assert_int_equal(rd(f->bus, ENABLE(4, 0), 4), 0);
	wr(f->bus, THRESHOLD(4), 4, 1);
	assert_int_equal(rd(f->bus, THRESHOLD(4), 4), 0);
	wr(f->bus, CLAIM(4), 4, 1);
	assert_int_equal(rd(f->bus, CLAIM(4), 4), 0);
	wr(f->bus, THRESHOLD(0) + 8, 4, 1);
	assert_int_equal(rd(f->bus, THRESHOLD(0) + 8, 4), 0);
	wr(f->bus, BASE + 0x1080, 4, 1);
	assert_int_equal(rd(f->bus, BASE + 0x1080, 4), 0);
	assert_faults(f->bus, PRIORITY(1), 1);
	assert_faults(f->bus, PRIORITY(2), 8);
	assert_faults(f->bus, PRIORITY(1) + 2, 4);
}

static void test_reset(void **state)
{
	struct fixture *f = *state;

	enable(f, 1, 10, 1);
	enable(f, 1, 11, 1);
	drive(f, 10, true);
	drive(f, 11, true);
	assert_int_equal(rd(f->bus, CLAIM(1), 4), 10);
	assert_int_equal(f->out.level, 1 << 1);
	drive(f, 11, false);
	plic_reset(f->p);
	assert_int_equal(f->out.level, 0);
	assert_int_equal(rd(f->bus, PRIORITY(10), 4), 0);
	assert_int_equal(rd(f->bus, ENABLE(1, 10), 4), 0);
	enable(f, 1, 10, 1);
	enable(f, 1, 11, 1);
	assert_int_equal(rd(f->bus, CLAIM(1), 4), 10); /* still high */
	assert_int_equal(rd(f->bus, CLAIM(1), 4), 0);
}

static void test_config(void **state)
{
	struct fixture *f = *state;
	const struct irq outputs[65] = {{0}};
	struct plic_config cfg = config(f, outputs);
	struct plic *p;

	assert_int_equal(plic_new(&cfg, &p), -EEXIST);
	cfg.base = 0x10000000;
	cfg.n_sources = 128;
	assert_int_equal(plic_new(&cfg, &p), -EINVAL);
	cfg.n_sources = 127;
	cfg.n_contexts = 65;
	assert_int_equal(plic_new(&cfg, &p), -EINVAL);
	cfg.n_contexts = 16;
	cfg.size = 0x20ffff;
	assert_int_equal(plic_new(&cfg, &p), -EINVAL);
	cfg.size = 0x210000;
	assert_int_equal(plic_new(&cfg, &p), 0);
	wr(f->bus, 0x10000000 + 0x2000 + 12, 4, 0xffffffff);
	assert_int_equal(rd(f->bus, 0x10000000 + 0x2000 + 12, 4), 0xffffffff);
	plic_free(p);
	plic_free(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_look),       TEST(test_edge),      TEST(test_one),   TEST(test_gateway),
		TEST(test_priorities), TEST(test_registers), TEST(test_reset), TEST(test_config)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
