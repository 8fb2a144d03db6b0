/* SPDX-License-Identifier: MIT */
/* The irqlab: causes and their wire, messages, edges, storms, the timer and DMA, on a loop whose
 * time the test moves; registers at any width and offset. */
#include "hw_test.h"

#include "base/bits.h"
#include "base/loop.h"
#include "bus/pci.h"
#include "hw/irqlab_carrier.h"
#include "hw/pci_host.h"
#include "mem/gmem.h"

#define BASE     0x10010000u
#define RAM      0x80000000ull
#define RAM_SIZE 0x20000u
#define ECAM     0x30000000ull
#define SLOT     3u
#define WINDOW   0x40000000ull
#define TABLE    (WINDOW + 0x10000)

#define SOFT  (1u << IRQLAB_SOFT)
#define TICK  (1u << IRQLAB_TICK)
#define DONE  (1u << IRQLAB_DONE)
#define STORM (1u << IRQLAB_STORMING)

enum { LEVEL, EDGE };

struct fixture {
	struct bus *bus;
	struct loop *loop;
	struct gmem *mem;
	struct wires wires;
	struct irqlab_carrier *c;
	struct pci_bus *pci;
	struct pci_host *host;
	uint64_t time, base;
	unsigned n_messages[IRQLAB_N_MESSAGES]; /* by what is in its data */
};

static uint64_t time_ns(void *arg)
{
	return ((struct fixture *)arg)->time;
}

static void message(void *controller, uint64_t addr, uint32_t data)
{
	struct fixture *f = controller;

	assert_int_equal(addr, 0x28000000);
	assert_in_range(data, 0, IRQLAB_N_MESSAGES - 1);
	f->n_messages[data]++;
}

static struct fixture *world(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	*state = f;
	assert_non_null(f);
	assert_int_equal(bus_new(&f->bus) | loop_new(&f->loop) | gmem_new(&f->mem), 0);
	assert_int_equal(gmem_add_ram(f->mem, RAM, RAM_SIZE), 0);
	loop_set_clock(f->loop, time_ns, f);
	return f;
}

static struct irqlab_config config(struct fixture *f)
{
	return (struct irqlab_config){.loop = f->loop,
				      .mem = f->mem,
				      .index = 2,
				      .level = wires_irq(&f->wires, LEVEL),
				      .edge = wires_irq(&f->wires, EDGE),
				      .now = time_ns,
				      .now_arg = f};
}

static int setup(void **state)
{
	struct fixture *f = world(state);
	struct irqlab_config cfg = config(f);

	f->base = BASE;
	return irqlab_mmio_new(&cfg, f->bus, BASE, &f->c);
}

static uint64_t config_at(unsigned reg)
{
	return ECAM + (SLOT << 15) + reg;
}

/* The function with its registers at WINDOW and the table of its vectors at TABLE. */
static int setup_pci(void **state)
{
	struct fixture *f = world(state);
	struct irqlab_config cfg = config(f);
	const struct pci_bus_config bus = {.bus = f->bus,
					   .loop = f->loop,
					   .window = {{WINDOW, 0x100000}},
					   .msi = {.send = message, .controller = f}};
	struct pci_host_config host = {
		.bus = f->bus, .loop = f->loop, .base = ECAM, .size = PCI_ECAM_BUS};

	assert_int_equal(pci_bus_new(&bus, &f->pci), 0);
	host.pci = f->pci;
	assert_int_equal(pci_host_new(&host, &f->host), 0);
	assert_int_equal(irqlab_pci_new(&cfg, f->pci, SLOT, &f->c), 0);
	f->base = WINDOW;
	wr(f->bus, config_at(0x10), 4, WINDOW);
	wr(f->bus, config_at(0x20), 4, TABLE);
	wr(f->bus, config_at(PCI_COMMAND), 2, PCI_COMMAND_MEMORY);
	for (unsigned v = 0; v < IRQLAB_N_MESSAGES; v++) {
		wr(f->bus, TABLE + 16 * v, 8, 0x28000000);
		wr(f->bus, TABLE + 16 * v + 8, 8, v);
	}
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	irqlab_carrier_free(f->c);
	irqlab_carrier_free(NULL);
	pci_host_free(f->host);
	pci_bus_free(f->pci);
	bus_free(f->bus);
	loop_free(f->loop);
	gmem_free(f->mem);
	free(f);
	return 0;
}

static uint32_t get(struct fixture *f, unsigned reg)
{
	return (uint32_t)rd(f->bus, f->base + reg, 4);
}

static void put(struct fixture *f, unsigned reg, uint32_t v)
{
	wr(f->bus, f->base + reg, 4, v);
}

static bool level(const struct fixture *f)
{
	return f->wires.level & BIT(LEVEL);
}

static void turn_at(struct fixture *f, uint64_t t)
{
	f->time = t;
	assert_true(loop_turn(f->loop, 0) >= 0);
}

static void test_causes(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(get(f, IRQLAB_REG_MAGIC), IRQLAB_MAGIC);
	assert_int_equal(get(f, IRQLAB_REG_VERSION), IRQLAB_VERSION);
	assert_int_equal(get(f, IRQLAB_REG_INDEX), 2);
	f->time = 0x100000007;
	put(f, IRQLAB_REG_TRIGGER, 0);
	f->time++;
	put(f, IRQLAB_REG_TRIGGER, 1);
	assert_int_equal(get(f, IRQLAB_REG_STATUS), SOFT);
	assert_false(level(f));
	put(f, IRQLAB_REG_ENABLE, ~0u);
	assert_int_equal(get(f, IRQLAB_REG_ENABLE), SOFT | TICK | DONE | STORM);
	assert_true(level(f));
	put(f, IRQLAB_REG_ACK, ~SOFT);
	assert_true(level(f));
	put(f, IRQLAB_REG_ACK, SOFT);
	assert_false(level(f));
	assert_int_equal(get(f, IRQLAB_REG_EVENTS), 2);
	assert_int_equal(get(f, IRQLAB_REG_OVERRUNS), 1);
	assert_int_equal(get(f, IRQLAB_REG_RAISES), 1);
	assert_int_equal(rd(f->bus, BASE + IRQLAB_REG_RAISED, 8), 0x100000007);
	assert_int_equal(get(f, IRQLAB_REG_RAISED + 4), 1);
	assert_int_equal(rd(f->bus, BASE + IRQLAB_REG_NOW, 8), 0x100000008);
	put(f, IRQLAB_REG_CONTROL, 0); /* nothing */
	assert_int_equal(get(f, IRQLAB_REG_EVENTS), 2);
	put(f, IRQLAB_REG_CONTROL, 1);
	assert_int_equal(get(f, IRQLAB_REG_EVENTS), 0);
	assert_int_equal(get(f, IRQLAB_REG_ENABLE), 0);
}

static void test_stuck(void **state)
{
	struct fixture *f = *state;

	put(f, IRQLAB_REG_STUCK, 1);
	assert_true(level(f));
	assert_int_equal(get(f, IRQLAB_REG_STATUS), 0);
	assert_int_equal(get(f, IRQLAB_REG_STUCK), 1);
	put(f, IRQLAB_REG_STUCK, 2);
	assert_false(level(f));
	put(f, IRQLAB_REG_STUCK, 1);
	put(f, IRQLAB_REG_CONTROL, 1);
	assert_false(level(f));
}

static void test_storm(void **state)
{
	struct fixture *f = *state;
	unsigned n = 0;

	put(f, IRQLAB_REG_ENABLE, STORM);
	put(f, IRQLAB_REG_STORM, 100);
	for (; level(f); n++)
		put(f, IRQLAB_REG_ACK, STORM);
	assert_int_equal(n, 100);
	assert_int_equal(get(f, IRQLAB_REG_EVENTS + 4 * IRQLAB_STORMING), 100);
	put(f, IRQLAB_REG_STORM, ~0u);
	assert_int_equal(get(f, IRQLAB_REG_STORM), ~0u - 1);
	put(f, IRQLAB_REG_STORM, 0);
	assert_true(level(f));
	put(f, IRQLAB_REG_ACK, STORM);
	assert_false(level(f));
}

static void test_pulses(void **state)
{
	struct fixture *f = *state;

	put(f, IRQLAB_REG_PULSE, 3);
	assert_int_equal(f->wires.n_sets, 6);
	assert_int_equal(f->wires.level, 0);
	put(f, IRQLAB_REG_PULSE, 0);
	put(f, IRQLAB_REG_PULSE, ~0u);
	assert_int_equal(f->wires.n_sets, 6 + 2 * IRQLAB_PULSE_MAX);
	assert_int_equal(get(f, IRQLAB_REG_PULSES), 3 + IRQLAB_PULSE_MAX);
}

static void test_timer(void **state)
{
	struct fixture *f = *state;

	f->time = 500;
	put(f, IRQLAB_REG_ENABLE, TICK);
	put(f, IRQLAB_REG_PERIOD, 5000);
	put(f, IRQLAB_REG_REPEAT, 3);
	put(f, IRQLAB_REG_TIMER, IRQLAB_TIMER_RUN);
	assert_int_equal(loop_next_deadline(f->loop), 5500);
	turn_at(f, 5499);
	assert_false(level(f));
	turn_at(f, 5600); /* late, but the next is in time */
	assert_true(level(f));
	assert_int_equal(rd(f->bus, BASE + IRQLAB_REG_RAISED + 8 * IRQLAB_TICK, 8), 5600);
	assert_int_equal(loop_next_deadline(f->loop), 10500);
	turn_at(f, 30000); /* too late for two of them */
	assert_int_equal(loop_next_deadline(f->loop), 35000);
	turn_at(f, 35000);
	assert_int_equal(loop_next_deadline(f->loop), UINT64_MAX);
	assert_int_equal(get(f, IRQLAB_REG_TIMER), 0);
	assert_int_equal(get(f, IRQLAB_REG_EVENTS + 4 * IRQLAB_TICK), 3);
	assert_int_equal(get(f, IRQLAB_REG_OVERRUNS + 4 * IRQLAB_TICK), 2);

	/* Without end, as fast as can be, and on the other wire. */
	put(f, IRQLAB_REG_PERIOD, 0);
	put(f, IRQLAB_REG_TIMER, IRQLAB_TIMER_RUN | IRQLAB_TIMER_EDGE);
	for (unsigned i = 1; i <= 10; i++)
		turn_at(f, 35000 + i * IRQLAB_NS_MIN);
	assert_int_equal(get(f, IRQLAB_REG_PULSES), 10);
	put(f, IRQLAB_REG_TIMER, 0);
	assert_int_equal(loop_next_deadline(f->loop), UINT64_MAX);
	put(f, IRQLAB_REG_TIMER, IRQLAB_TIMER_RUN);
	put(f, IRQLAB_REG_CONTROL, 1);
	assert_int_equal(loop_next_deadline(f->loop), UINT64_MAX);
}

static uint32_t transfer(struct fixture *f, uint64_t src, uint64_t dst, uint32_t len,
			 uint32_t command)
{
	uint64_t t = f->time;

	wr(f->bus, f->base + IRQLAB_REG_SRC, 8, src);
	put(f, IRQLAB_REG_DST, (uint32_t)dst);
	put(f, IRQLAB_REG_DST + 4, (uint32_t)(dst >> 32));
	put(f, IRQLAB_REG_LEN, len);
	put(f, IRQLAB_REG_DELAY, 700);
	put(f, IRQLAB_REG_DMA, command);
	assert_int_equal(get(f, IRQLAB_REG_RESULT), IRQLAB_RESULT_BUSY);
	turn_at(f, t + 699);
	assert_int_equal(get(f, IRQLAB_REG_RESULT), IRQLAB_RESULT_BUSY);
	put(f, IRQLAB_REG_LEN, 1); /* comes too late */
	put(f, IRQLAB_REG_DMA, command);
	turn_at(f, t + 700);
	assert_int_equal(get(f, IRQLAB_REG_STATUS) & DONE, DONE);
	put(f, IRQLAB_REG_ACK, DONE);
	assert_int_equal(loop_next_deadline(f->loop), UINT64_MAX);
	return get(f, IRQLAB_REG_RESULT);
}

static void test_dma(void **state)
{
	struct fixture *f = *state;
	uint8_t *ram = gmem_map(f->mem, RAM, RAM_SIZE);
	uint8_t copy[300];

	for (unsigned i = 0; i < sizeof(copy); i++)
		ram[i] = copy[i] = (uint8_t)(i * 7);
	assert_int_equal(transfer(f, RAM, RAM + 0x1001, 300, IRQLAB_DMA_COPY), IRQLAB_RESULT_OK);
	assert_memory_equal(ram + 0x1001, copy, 300);
	assert_int_equal(ram[0x1000] | ram[0x1001 + 300], 0);
	assert_int_equal(transfer(f, RAM, RAM + 10, 290, IRQLAB_DMA_COPY), IRQLAB_RESULT_OK);
	assert_memory_equal(ram + 10, copy, 290); /* over itself */
	assert_int_equal(transfer(f, 0x15a, RAM + 0x10000, 0x10000, IRQLAB_DMA_FILL),
			 IRQLAB_RESULT_OK);
	assert_int_equal(ram[0xffff], 0);
	assert_int_equal(ram[0x10000] & ram[0x1ffff], 0x5a);
	assert_int_equal(get(f, IRQLAB_REG_EVENTS + 4 * IRQLAB_DONE), 3);

	/* A reset takes it back. */
	put(f, IRQLAB_REG_DELAY, 700);
	put(f, IRQLAB_REG_DMA, IRQLAB_DMA_FILL);
	put(f, IRQLAB_REG_CONTROL, 1);
	assert_int_equal(get(f, IRQLAB_REG_RESULT), IRQLAB_RESULT_NONE);
	assert_int_equal(loop_next_deadline(f->loop), UINT64_MAX);
}

static void test_dma_anywhere(void **state)
{
	static const struct {
		uint64_t src, dst;
		uint32_t len, command, result;
	} bad[] = {
		{RAM - 1, RAM, 2, IRQLAB_DMA_COPY, IRQLAB_RESULT_ADDRESS},
		{RAM + RAM_SIZE - 1, RAM, 2, IRQLAB_DMA_COPY, IRQLAB_RESULT_ADDRESS},
		{RAM, RAM - 1, 2, IRQLAB_DMA_COPY, IRQLAB_RESULT_ADDRESS},
		{RAM, RAM + RAM_SIZE, 1, IRQLAB_DMA_COPY, IRQLAB_RESULT_ADDRESS},
		{RAM, BASE, 4, IRQLAB_DMA_COPY, IRQLAB_RESULT_ADDRESS},
		{UINT64_MAX, RAM, 2, IRQLAB_DMA_COPY, IRQLAB_RESULT_ADDRESS},
		{0, UINT64_MAX, 0x10000, IRQLAB_DMA_FILL, IRQLAB_RESULT_ADDRESS},
		{0, RAM + RAM_SIZE - 0xffff, 0x10000, IRQLAB_DMA_FILL, IRQLAB_RESULT_ADDRESS},
		{RAM, RAM, 0, IRQLAB_DMA_COPY, IRQLAB_RESULT_LENGTH},
		{RAM, RAM, 0x10001, IRQLAB_DMA_COPY, IRQLAB_RESULT_LENGTH},
		{RAM, RAM, ~0u, IRQLAB_DMA_FILL, IRQLAB_RESULT_LENGTH},
		{RAM, RAM, 1, 0, IRQLAB_RESULT_COMMAND},
		{RAM, RAM, 1, 3, IRQLAB_RESULT_COMMAND},
		{RAM, RAM, 1, ~0u, IRQLAB_RESULT_COMMAND},
	};
	struct fixture *f = *state;
	uint64_t sum = gmem_sum(f->mem);

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(transfer(f, bad[i].src, bad[i].dst, bad[i].len, bad[i].command),
				 bad[i].result);
	assert_int_equal(gmem_sum(f->mem), sum);
}

/* Each width at each offset: it is an access, or it faults, and then nothing has happened. */
static void test_accesses(void **state)
{
	static const unsigned wide[] = {IRQLAB_REG_NOW,        IRQLAB_REG_SRC,
					IRQLAB_REG_DST,        IRQLAB_REG_RAISED,
					IRQLAB_REG_RAISED + 8, IRQLAB_REG_RAISED + 16,
					IRQLAB_REG_RAISED + 24};
	struct fixture *f = *state;
	uint64_t v;

	for (unsigned at = 0; at < IRQLAB_SIZE; at++)
		for (unsigned size = 1; size <= 8; size *= 2) {
			bool ok = size == 4 && at % 4 == 0;

			for (unsigned i = 0; i < ARRAY_SIZE(wide); i++)
				ok |= size == 8 && at == wide[i];
			assert_int_equal(bus_read(f->bus, BASE + at, size, &v), ok ? 0 : -ENXIO);
			if (!ok)
				assert_int_equal(bus_write(f->bus, BASE + at, size, ~0ull), -ENXIO);
		}
	assert_int_equal(f->wires.n_sets, 0);
	/* Nothing is behind the registers, and what is read-only stays. */
	for (unsigned at = IRQLAB_REG_EVENTS; at < IRQLAB_SIZE; at += 4) {
		put(f, at, ~0u);
		assert_int_equal(get(f, at), 0);
	}
	put(f, IRQLAB_REG_RESULT, 5);
	put(f, IRQLAB_REG_STATUS, 5);
	put(f, IRQLAB_REG_NOW, 5);
	assert_int_equal(
		get(f, IRQLAB_REG_RESULT) | get(f, IRQLAB_REG_STATUS) | get(f, IRQLAB_REG_NOW), 0);
	put(f, IRQLAB_REG_SRC + 4, 0x12345678);
	assert_int_equal(rd(f->bus, BASE + IRQLAB_REG_SRC, 8), 0x1234567800000000);
}

static void test_place_taken(void **state)
{
	struct fixture *f = *state;
	struct irqlab_config cfg = config(f);
	struct irqlab_carrier *c;

	if (f->pci)
		assert_int_equal(irqlab_pci_new(&cfg, f->pci, SLOT, &c), -EEXIST);
	else
		assert_int_equal(irqlab_mmio_new(&cfg, f->bus, BASE, &c), -EEXIST);
}

static void test_pci_wire(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(rd(f->bus, config_at(0), 4), 0x10f01af4);
	put(f, IRQLAB_REG_ENABLE, SOFT | DONE);
	put(f, IRQLAB_REG_TRIGGER, 1);
	assert_true(level(f));
	wr(f->bus, config_at(PCI_COMMAND), 2, PCI_COMMAND_MEMORY | PCI_COMMAND_NO_INTX);
	assert_false(level(f));
	put(f, IRQLAB_REG_ACK, SOFT);
	assert_int_equal(transfer(f, 0, RAM, 1, IRQLAB_DMA_FILL), IRQLAB_RESULT_MASTER);
	wr(f->bus, config_at(PCI_COMMAND), 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	assert_int_equal(transfer(f, 0, RAM, 1, IRQLAB_DMA_FILL), IRQLAB_RESULT_OK);
}

static void test_pci_messages(void **state)
{
	struct fixture *f = *state;
	unsigned cap = (unsigned)rd(f->bus, config_at(0x34), 1);

	assert_int_equal(rd(f->bus, config_at(cap), 1), PCI_CAP_MSIX);
	wr(f->bus, config_at(PCI_COMMAND), 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	wr(f->bus, config_at(cap + 2), 2, 0x8000);
	put(f, IRQLAB_REG_TRIGGER, 1);
	assert_int_equal(f->n_messages[IRQLAB_SOFT], 0);
	put(f, IRQLAB_REG_ENABLE, ~0u); /* is set already: a message */
	put(f, IRQLAB_REG_TRIGGER, 1);  /* an overrun: none */
	put(f, IRQLAB_REG_ENABLE, ~0u);
	assert_int_equal(f->n_messages[IRQLAB_SOFT], 1);
	put(f, IRQLAB_REG_ACK, SOFT);
	put(f, IRQLAB_REG_TRIGGER, 1);
	assert_int_equal(f->n_messages[IRQLAB_SOFT], 2);
	put(f, IRQLAB_REG_STORM, 10);
	for (unsigned i = 0; i < 20; i++)
		put(f, IRQLAB_REG_ACK, STORM);
	assert_int_equal(f->n_messages[IRQLAB_STORMING], 10);
	put(f, IRQLAB_REG_PULSE, 5);
	assert_int_equal(f->n_messages[IRQLAB_EDGE], 5);
	assert_int_equal(f->wires.level, 0);
	assert_int_equal(transfer(f, 0, RAM, 1, IRQLAB_DMA_FILL), IRQLAB_RESULT_OK);
	assert_int_equal(f->n_messages[IRQLAB_DONE], 1);
	assert_int_equal(f->n_messages[IRQLAB_TICK], 0);
}

#define T(name)   cmocka_unit_test_setup_teardown(name, setup, teardown)
#define PCI(name) cmocka_unit_test_setup_teardown(name, setup_pci, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_causes),        T(test_stuck),      T(test_storm),
		T(test_pulses),        T(test_timer),      T(test_dma),
		T(test_dma_anywhere),  T(test_accesses),   T(test_place_taken),
		PCI(test_place_taken), PCI(test_pci_wire), PCI(test_pci_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
