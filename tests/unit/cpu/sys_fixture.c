/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>

#include "sys_fixture.h"

#include "cpu/rv64/mem_fast.h"

static struct sys *sys_of(struct rv64_hart *h)
{
	return (struct sys *)(void *)h;
}

/* ---- what an engine provides ---- */

void rv64_park(struct rv64_hart *h)
{
	sys_of(h)->n_parked++;
}

void rv64_unpark(struct rv64_hart *h)
{
	sys_of(h)->n_unparked++;
}

void rv64_fetch_flush(struct rv64_hart *h, uint64_t va, uint64_t size)
{
	struct sys *s = sys_of(h);

	s->n_fetch_flush++;
	s->flush_va = va;
	s->flush_size = size;
}

/* ---- the machine ---- */

static enum bus_result device_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
	struct sys *s = dev;

	s->n_device++;
	s->device_offset = offset;
	s->device_size = size;
	*value = size == 8 ? DEV_READ : DEV_READ & (BIT(8 * size) - 1);
	return BUS_OK;
}

static enum bus_result device_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
	struct sys *s = dev;

	s->n_device++;
	s->device_offset = offset;
	s->device_size = size;
	s->device_value = value;
	return BUS_OK;
}

static const struct bus_direct_ops device_ops = {device_read, device_write};

static uint64_t time_now(void *arg, struct cpu *cpu)
{
	struct sys *s = arg;

	s->n_time_asked++;
	return s->now;
}

static void no_ecall(void *arg, struct cpu *cpu, uint64_t a[8])
{
}

struct sys *sys_new(bool with_ecall)
{
	struct sys *s = calloc(1, sizeof(*s));
	struct bus_range range = {
		.base = DEVICE, .size = 0x100, .name = "probe", .dev = s, .direct = &device_ops};

	assert_non_null(s);
	assert_int_equal(gmem_new(&s->mem), 0);
	assert_int_equal(gmem_add_ram(s->mem, RAM, RAM_SIZE), 0);
	assert_int_equal(bus_new(&s->bus), 0);
	assert_int_equal(bus_add(s->bus, &range), 0);
	s->vm.cfg.mem = s->mem;
	s->vm.cfg.bus = s->bus;
	s->vm.cfg.n_harts = 1;
	s->vm.cfg.env.arg = s;
	s->vm.cfg.env.time_now = time_now;
	s->vm.cfg.env.ecall = with_ecall ? no_ecall : NULL;
	s->vm.cpu[0] = &s->hart.cpu;
	s->hart.cpu.vm = &s->vm;
	s->hart.cpu.id = 0;
	s->next_table = TABLES;
	assert_int_equal(rv64_mmu_init(&s->hart), 0);
	rv64_hart_reset(&s->hart);
	s->hart.csr.mtvec = HANDLER;
	return s;
}

void sys_free(struct sys *s)
{
	rv64_mmu_fini(&s->hart);
	bus_free(s->bus);
	gmem_free(s->mem);
	free(s);
}

uint64_t sys_csr(struct sys *s, unsigned num)
{
	uint64_t v = 0;

	assert_int_equal(rv64_csr_read(&s->hart, num, &v), 0);
	return v;
}

void sys_set_csr(struct sys *s, unsigned num, uint64_t value)
{
	assert_int_equal(rv64_csr_write(&s->hart, num, value, NULL), 0);
}

int sys_setup_marked(void **state)
{
	struct sys *s = sys_new(true);

	s->hart.csr.medeleg = 0;
	*sys_ram(s, PA) = MARK;
	*sys_ram(s, OTHER) = ~MARK;
	*state = s;
	return 0;
}

int sys_teardown(void **state)
{
	sys_free(*state);
	return 0;
}

uint64_t *sys_ram(struct sys *s, uint64_t pa)
{
	uint64_t *p = gmem_map(s->mem, pa, 8);

	assert_non_null(p);
	return p;
}

static uint64_t new_table(struct sys *s)
{
	uint64_t pa = s->next_table;

	s->next_table += 0x1000;
	memset(sys_ram(s, pa), 0, 0x1000);
	return pa;
}

uint64_t sys_new_satp(struct sys *s, unsigned asid)
{
	return (uint64_t)SATP_MODE_SV39 << SATP_MODE_SHIFT | (uint64_t)asid << SATP_ASID_SHIFT |
	       new_table(s) >> 12;
}

_Atomic uint64_t *sys_map(struct sys *s, uint64_t satp, uint64_t va, uint64_t pa, unsigned level,
			  uint64_t flags)
{
	uint64_t table = (satp & SATP_PPN) << 12;

	for (unsigned l = satp >> SATP_MODE_SHIFT == SATP_MODE_SV48 ? 3 : 2;; l--) {
		uint64_t index = va >> (12 + 9 * l) & 511;
		uint64_t *pte = sys_ram(s, table + index * 8);

		if (l == level) {
			*pte = pa >> 12 << 10 | flags;
			return (_Atomic uint64_t *)(void *)pte;
		}
		if (!(*pte & PTE_V))
			*pte = new_table(s) >> 12 << 10 | PTE_V;
		table = *pte >> 10 << 12;
	}
}

void sys_enter(struct sys *s, enum rv64_priv priv)
{
	s->hart.priv = (uint8_t)priv;
	rv64_mmu_context(&s->hart);
}

void sys_satp(struct sys *s, uint64_t satp)
{
	s->hart.csr.satp = satp;
	rv64_mmu_context(&s->hart);
}

void sys_status(struct sys *s, uint64_t clear, uint64_t set)
{
	s->hart.csr.mstatus = (s->hart.csr.mstatus & ~clear) | set;
	rv64_mmu_context(&s->hart);
}

/* ---- accesses ---- */

struct before {
	uint64_t mstatus;
	uint8_t priv;
};

static struct before begin(struct sys *s)
{
	s->hart.pc = HERE;
	return (struct before){s->hart.csr.mstatus, s->hart.priv};
}

static struct outcome end(struct sys *s, const struct before *b, int trapped, uint64_t value)
{
	struct rv64_hart *h = &s->hart;
	struct outcome o = {.cause = -1, .value = value};

	if (!trapped) {
		assert_int_equal(h->pc, HERE);
		return o;
	}
	assert_int_equal(h->pc, HANDLER);
	assert_int_equal(h->csr.mepc, HERE);
	assert_int_equal(h->priv, RV64_M);
	o.cause = (int)h->csr.mcause;
	o.tval = h->csr.mtval;
	h->csr.mstatus = b->mstatus;
	sys_enter(s, b->priv);
	return o;
}

struct outcome sys_load(struct sys *s, uint64_t va, unsigned size)
{
	struct before b = begin(s);
	uint64_t v = 0;
	int r;

	switch (size) {
	case 1: r = rv64_load8(&s->hart, va, &v); break;
	case 2: r = rv64_load16(&s->hart, va, &v); break;
	case 4: r = rv64_load32(&s->hart, va, &v); break;
	default: r = rv64_load64(&s->hart, va, &v); break;
	}
	return end(s, &b, r, v);
}

struct outcome sys_store(struct sys *s, uint64_t va, unsigned size, uint64_t value)
{
	struct before b = begin(s);
	int r;

	switch (size) {
	case 1: r = rv64_store8(&s->hart, va, value); break;
	case 2: r = rv64_store16(&s->hart, va, value); break;
	case 4: r = rv64_store32(&s->hart, va, value); break;
	default: r = rv64_store64(&s->hart, va, value); break;
	}
	return end(s, &b, r, value);
}

struct outcome sys_fetch(struct sys *s, uint64_t va)
{
	struct before b = begin(s);
	const uint8_t *host = NULL;
	uint64_t pa = 0;
	bool whole;
	int fault = rv64_fetch_translate(&s->hart, va, &host, &pa, &whole);

	if (fault)
		rv64_exception(&s->hart, (enum rv64_cause)(fault - 1), va);
	else
		assert_ptr_equal(host, gmem_map(s->mem, pa, 1));
	return end(s, &b, fault, pa);
}

struct outcome sys_atomic(struct sys *s, uint64_t va, unsigned size, bool is_lr)
{
	struct before b = begin(s);
	void *host = NULL;
	int r = rv64_atomic_ptr(&s->hart, va, size, is_lr, &host);

	if (r)
		return end(s, &b, r, 0);
	assert_non_null(host);
	return end(s, &b, r, size == 8 ? *(uint64_t *)host : *(uint32_t *)host);
}

struct outcome sys_cbo(struct sys *s, uint64_t va, bool zero)
{
	struct before b = begin(s);

	return end(s, &b, zero ? rv64_cbo_zero(&s->hart, va) : rv64_cbo_check(&s->hart, va), 0);
}
