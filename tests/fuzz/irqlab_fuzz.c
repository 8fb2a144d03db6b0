/* SPDX-License-Identifier: MIT */
/*
 * Two irqlabs, an APLIC and an IMSIC, as a hostile guest finds them: any register, at any width,
 * with any value, in any order, and time goes by. Whatever it does, a level wire is high exactly
 * while its device has something enabled or is stuck, memory changes only by a transfer that was
 * done, a message names a hart that there is, and a hart's wire follows its file.
 */
#include <string.h>

#include "base/bits.h"
#include "base/loop.h"
#include "bus/bus.h"
#include "hw/aplic.h"
#include "hw/imsic.h"
#include "hw/irqlab_carrier.h"
#include "mem/gmem.h"
#include "script.h"

#define OPS_MAX  400u
#define N_LABS   2u
#define N_HARTS  2u
#define RAM      0x80000000ull
#define RAM_SIZE 0x4000u
#define LAB      0x10010000ull
#define APLIC    0x0d000000ull
#define IMSIC    0x28000000ull
#define SOURCES  40u
#define LEVEL(i) (1 + (i))
#define EDGE(i)  (33 + (i))

struct world {
	struct loop *loop;
	struct bus *bus;
	struct gmem *mem;
	struct irqlab_carrier *lab[N_LABS];
	struct aplic *aplic;
	struct imsic *imsic;
	uint64_t now;
	bool level[N_LABS], hart[N_HARTS];
};

static uint64_t time_ns(void *arg)
{
	return ((struct world *)arg)->now;
}

static void level_set(void *controller, unsigned line, bool level)
{
	struct world *w = controller;

	w->level[line] = level;
	irq_set(aplic_irq(w->aplic, LEVEL(line)), level);
}

static void hart_set(void *controller, unsigned line, bool level)
{
	((struct world *)controller)->hart[line] = level;
}

static uint32_t lab_get(struct world *w, unsigned i, unsigned reg)
{
	uint64_t v = 0;

	require(!bus_read(w->bus, LAB + i * IRQLAB_SIZE + reg, 4, &v));
	return (uint32_t)v;
}

static uint64_t done(struct world *w)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < N_LABS; i++)
		n += lab_get(w, i, IRQLAB_REG_EVENTS + 4 * IRQLAB_DONE);
	return n;
}

static void check(struct world *w)
{
	for (unsigned i = 0; i < N_LABS; i++) {
		uint32_t active = lab_get(w, i, IRQLAB_REG_STATUS) &
				  lab_get(w, i, IRQLAB_REG_ENABLE);

		require(w->level[i] == (active || lab_get(w, i, IRQLAB_REG_STUCK)));
		require(lab_get(w, i, IRQLAB_REG_STATUS) < 1u << IRQLAB_N_CAUSES);
		require(lab_get(w, i, IRQLAB_REG_RESULT) <= IRQLAB_RESULT_COMMAND);
	}
	for (unsigned h = 0; h < N_HARTS; h++) {
		uint32_t top = imsic_top(w->imsic, h, false);

		require(top >> 16 == (top & 0xffff) && top >> 16 <= IMSIC_IDS);
		if (w->hart[h])
			require(top && imsic_change(w->imsic, h, 0x70, 0, 0) == 1);
		else
			require(!top || imsic_change(w->imsic, h, 0x70, 0, 0) == 0);
	}
}

/* Values that mean something are more frequent than by chance. */
static uint64_t value(struct script *s)
{
	unsigned how = get8(s);

	switch (how % 5) {
	case 0: return get8(s);
	case 1: return RAM + get16(s);
	case 2: return 0ull - get8(s);
	case 3: return RAM + RAM_SIZE - get8(s);
	default: return get32(s) | (uint64_t)get32(s) << 32;
	}
}

static void access(struct world *w, struct script *s, uint64_t base, uint64_t size)
{
	unsigned how = get8(s), width = how & 0x40 ? 1u << how % 4 : 4;
	uint64_t at = base + get16(s) % size, v = 0;
	bool faults = (width != 4 && width != 8) || at % width;
	int ret;

	if (!(how & 0x10))
		at &= ~3ull;
	faults = (width != 4 && width != 8) || at % width;
	if (how & 0x80)
		ret = bus_write(w->bus, at, width, value(s));
	else
		ret = bus_read(w->bus, at, width, &v);
	require(!faults || ret);
}

/* A register of an irqlab, which are few among so many addresses. */
static void op_lab(struct world *w, struct script *s)
{
	unsigned i = get8(s) % N_LABS, reg = get8(s) % 0x38 * 4;
	uint64_t sum = gmem_sum(w->mem), n = done(w);
	bool resets = reg == IRQLAB_REG_CONTROL;

	(void)bus_write(w->bus, LAB + i * IRQLAB_SIZE + reg, 4, value(s));
	/* A write alone moves no byte, and brings no transfer to its end. */
	require(gmem_sum(w->mem) == sum && (resets || done(w) == n));
}

static void op_transfer(struct world *w, struct script *s)
{
	const uint64_t base = LAB + get8(s) % N_LABS * IRQLAB_SIZE;

	(void)bus_write(w->bus, base + IRQLAB_REG_SRC, 8, value(s));
	(void)bus_write(w->bus, base + IRQLAB_REG_DST, 8, value(s));
	(void)bus_write(w->bus, base + IRQLAB_REG_LEN, 4, get16(s));
	(void)bus_write(w->bus, base + IRQLAB_REG_DELAY, 4, get16(s));
	(void)bus_write(w->bus, base + IRQLAB_REG_DMA, 4, get8(s) % 4);
}

static void op_time(struct world *w, struct script *s)
{
	uint64_t sum = gmem_sum(w->mem), n = done(w);

	w->now += get16(s);
	require(loop_turn(w->loop, 0) >= 0);
	require(done(w) != n || gmem_sum(w->mem) == sum);
}

static void op_source(struct world *w, struct script *s)
{
	static const unsigned regs[] = {0x1c00, 0x1cdc, 0x1d00, 0x1ddc, 0x1e00, 0x1edc,
					0x1f00, 0x1fdc, 0x2000, 0x2004, 0x3000, 0x0000};
	unsigned n = get8(s) % (SOURCES + 4), how = get8(s);

	(void)bus_write(w->bus, APLIC + 4 * n, 4, how % 16);
	(void)bus_write(w->bus, APLIC + 0x3000 + 4 * n, 4, get32(s));
	(void)bus_write(w->bus, APLIC + regs[how % ARRAY_SIZE(regs)], 4, value(s));
	irq_set(aplic_irq(w->aplic, EDGE(how % N_LABS)), how & 0x80);
}

static void op_file(struct world *w, struct script *s)
{
	unsigned hart = get8(s) % N_HARTS, reg = 0x70 + get8(s) % 0x90;

	if (get8(s) & 1)
		(void)imsic_top(w->imsic, hart, true);
	else
		(void)imsic_change(w->imsic, hart, reg, value(s), value(s));
}

static void world_init(struct world *w)
{
	struct irq harts[N_HARTS];
	struct imsic_config imsic = {.base = IMSIC, .n_harts = N_HARTS, .outputs = harts};
	struct aplic_config aplic = {
		.base = APLIC, .n_sources = SOURCES, .n_harts = N_HARTS, .files = IMSIC};

	memset(w, 0, sizeof(*w));
	require(!loop_new(&w->loop) && !bus_new(&w->bus) && !gmem_new(&w->mem));
	require(!gmem_add_ram(w->mem, RAM, RAM_SIZE));
	memset(gmem_map(w->mem, RAM, RAM_SIZE), 0x5a, RAM_SIZE / 2);
	loop_set_clock(w->loop, time_ns, w);
	for (unsigned h = 0; h < N_HARTS; h++)
		harts[h] = (struct irq){.set = hart_set, .controller = w, .line = h};
	imsic.bus = aplic.bus = w->bus;
	require(!imsic_new(&imsic, &w->imsic));
	aplic.sink = imsic_sink(w->imsic);
	require(!aplic_new(&aplic, &w->aplic));
	for (unsigned i = 0; i < N_LABS; i++) {
		const struct irqlab_config cfg = {
			.loop = w->loop,
			.mem = w->mem,
			.index = i,
			.level = {.set = level_set, .controller = w, .line = i},
			.edge = aplic_irq(w->aplic, EDGE(i)),
			.now = time_ns,
			.now_arg = w};

		require(!irqlab_mmio_new(&cfg, w->bus, LAB + i * IRQLAB_SIZE, &w->lab[i]));
	}
}

static void world_fini(struct world *w)
{
	for (unsigned i = 0; i < N_LABS; i++)
		irqlab_carrier_free(w->lab[i]);
	require(loop_next_deadline(w->loop) == UINT64_MAX);
	aplic_free(w->aplic);
	imsic_free(w->imsic);
	bus_free(w->bus);
	loop_free(w->loop);
	gmem_free(w->mem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world w;
	struct script s = {data, size};

	world_init(&w);
	for (unsigned n = 0; s.left && n < OPS_MAX; n++) {
		switch (get8(&s) % 8) {
		case 0: access(&w, &s, LAB, N_LABS * IRQLAB_SIZE); break;
		case 1: access(&w, &s, APLIC, APLIC_SIZE); break;
		case 2: access(&w, &s, IMSIC, N_HARTS * IMSIC_PAGE); break;
		case 3: op_lab(&w, &s); break;
		case 4: op_transfer(&w, &s); break;
		case 5: op_source(&w, &s); break;
		case 6: op_file(&w, &s); break;
		default: op_time(&w, &s); break;
		}
		check(&w);
	}
	world_fini(&w);
	return 0;
}
