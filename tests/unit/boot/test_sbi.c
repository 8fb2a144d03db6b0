/* SPDX-License-Identifier: MIT */
/* The SBI calls: arguments, hart masks, addresses, and the error code of everything else. */
#include "boot_test.h"

#include "boot/sbi.h"

#define N_HARTS 4

#define EID_BASE 0x10
#define EID_TIME 0x54494D45
#define EID_IPI  0x735049
#define EID_RFNC 0x52464E43
#define EID_HSM  0x48534D
#define EID_SRST 0x53525354
#define EID_DBCN 0x4442434E
#define EID_PMU  0x504D55

#define NOT_SUPPORTED     -2
#define INVALID_PARAM     -3
#define INVALID_ADDRESS   -5
#define ALREADY_AVAILABLE -6
#define ALREADY_STARTED   -7
#define ALREADY_STOPPED   -8

/* A platform that remembers what it was told last. */
struct platform {
	struct fixture f;
	struct sbi sbi;
	bool stopped[N_HARTS];
	unsigned n_calls;
	uint64_t mask, start, size, asid, pc, opaque, deadline;
	unsigned hart;
	int kind;
	bool flag;
	char console[64];
	size_t console_len, console_room;
	int answer;
	uint64_t csr[0x1000];
};

static void p_set_timer(void *arg, unsigned hart, uint64_t deadline)
{
	struct platform *p = arg;

	p->n_calls++;
	p->hart = hart;
	p->deadline = deadline;
}

static void p_send_ipi(void *arg, uint64_t mask)
{
	struct platform *p = arg;

	p->n_calls++;
	p->mask = mask;
}

static void p_fence(void *arg, uint64_t mask, enum sbi_fence kind, uint64_t start, uint64_t size,
		    uint64_t asid)
{
	struct platform *p = arg;

	p->n_calls++;
	p->mask = mask;
	p->kind = kind;
	p->start = start;
	p->size = size;
	p->asid = asid;
}

static int p_hart_start(void *arg, unsigned hart, uint64_t pc, uint64_t opaque)
{
	struct platform *p = arg;

	if (!p->stopped[hart])
		return -EALREADY;
	p->stopped[hart] = false;
	p->pc = pc;
	p->opaque = opaque;
	return 0;
}

static void p_hart_stop(void *arg, unsigned hart)
{
	((struct platform *)arg)->stopped[hart] = true;
}

static bool p_hart_is_stopped(void *arg, unsigned hart)
{
	return ((struct platform *)arg)->stopped[hart];
}

static int p_hart_suspend(void *arg, unsigned hart, bool retentive, uint64_t pc, uint64_t opaque)
{
	struct platform *p = arg;

	p->n_calls++;
	p->hart = hart;
	p->flag = retentive;
	p->pc = pc;
	p->opaque = opaque;
	return p->answer;
}

static void p_system_reset(void *arg, enum sbi_reset kind, bool failure)
{
	struct platform *p = arg;

	p->n_calls++;
	p->kind = kind;
	p->flag = failure;
}

static size_t p_console_write(void *arg, const uint8_t *buf, size_t len)
{
	struct platform *p = arg;

	if (len > p->console_room)
		len = p->console_room;
	memcpy(p->console + p->console_len, buf, len);
	p->console_len += len;
	p->console_room -= len;
	return len;
}

static size_t p_console_read(void *arg, uint8_t *buf, size_t len)
{
	memcpy(buf, "typed", len < 5 ? len : 5);
	return len < 5 ? len : 5;
}

static uint64_t p_csr_read(void *arg, unsigned hart, unsigned num)
{
	return ((struct platform *)arg)->csr[num];
}

static void p_csr_write(void *arg, unsigned hart, unsigned num, uint64_t value)
{
	((struct platform *)arg)->csr[num] = value;
}

static const struct sbi_platform_ops ops = {
	.set_timer = p_set_timer,
	.send_ipi = p_send_ipi,
	.fence = p_fence,
	.hart_start = p_hart_start,
	.hart_stop = p_hart_stop,
	.hart_is_stopped = p_hart_is_stopped,
	.hart_suspend = p_hart_suspend,
	.system_reset = p_system_reset,
	.console_write = p_console_write,
	.console_read = p_console_read,
	.csr_read = p_csr_read,
	.csr_write = p_csr_write,
};

static int setup(void **state)
{
	struct platform *p;
	void *f;

	if (fixture_setup(&f))
		return -1;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -1;
	p->f = *(struct fixture *)f;
	free(f);
	p->sbi = (struct sbi){.ops = &ops, .arg = p, .mem = p->f.m, .n_harts = N_HARTS};
	p->console_room = sizeof(p->console);
	p->stopped[1] = p->stopped[2] = p->stopped[3] = true;
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct platform *p = *state;

	gmem_free(p->f.m);
	rmdir(p->f.dir);
	free(p);
	return 0;
}

struct args {
	uint64_t a[5];
};

/* Calls from hart 0; the error, and the value in *value. */
static int64_t call(struct platform *p, uint64_t eid, uint64_t fid, struct args args,
		    uint64_t *value)
{
	uint64_t a[8] = {args.a[0], args.a[1], args.a[2], args.a[3], args.a[4], 55, fid, eid};

	sbi_ecall(&p->sbi, 0, a);
	for (unsigned i = 2; i < 5; i++)
		assert_int_equal(a[i], args.a[i]);
	assert_int_equal(a[5], 55);
	assert_int_equal(a[6], fid);
	assert_int_equal(a[7], eid);
	if (a[0])
		assert_int_equal(a[1], 0);
	if (value)
		*value = a[1];
	return (int64_t)a[0];
}

#define CALL(eid, fid, ...) call(p, eid, fid, (struct args){{__VA_ARGS__}}, &v)

static void test_base(void **state)
{
	const uint64_t there[] = {EID_BASE, EID_TIME, EID_IPI,  EID_RFNC,
				  EID_HSM,  EID_SRST, EID_DBCN, EID_PMU};
	struct platform *p = *state;
	uint64_t v;

	assert_int_equal(CALL(EID_BASE, 0, 0), 0);
	assert_int_equal(v, 0x02000000);
	assert_int_equal(CALL(EID_BASE, 1, 0), 0);
	assert_int_equal(CALL(EID_BASE, 2, 0), 0);
	for (unsigned i = 0; i < 8; i++) {
		assert_int_equal(CALL(EID_BASE, 3, there[i]), 0);
		assert_int_equal(v, 1);
		assert_int_equal(CALL(there[i], 99, 0), NOT_SUPPORTED);
	}
	assert_int_equal(CALL(EID_BASE, 3, 0x53555350), 0); /* SUSP */
	assert_int_equal(v, 0);
	assert_int_equal(CALL(EID_BASE, 3, 1), 0); /* the legacy putchar */
	assert_int_equal(v, 0);
	p->csr[0xf11] = 0x5b7; /* mvendorid, marchid, mimpid: the hart's */
	p->csr[0xf13] = 7;
	for (unsigned i = 4; i <= 6; i++) {
		assert_int_equal(CALL(EID_BASE, i, 0), 0);
		assert_int_equal(v, p->csr[0xf11 + i - 4]);
	}
	for (unsigned i = 0; i < 16; i++)
		assert_int_equal(CALL(i, 0, 'x'), NOT_SUPPORTED);
	assert_int_equal(CALL(EID_TIME | 1ull << 40, 0, 0), NOT_SUPPORTED);
	assert_int_equal(p->n_calls, 0);
}

static void test_time_and_ipi(void **state)
{
	struct platform *p = *state;
	uint64_t v;

	assert_int_equal(CALL(EID_TIME, 0, 0x123456789abcdef0), 0);
	assert_int_equal(p->deadline, 0x123456789abcdef0);
	assert_int_equal(CALL(EID_IPI, 0, 5, 0), 0);
	assert_int_equal(p->mask, 5);
	assert_int_equal(CALL(EID_IPI, 0, 3, 2), 0);
	assert_int_equal(p->mask, 0xc);
	assert_int_equal(CALL(EID_IPI, 0, 0xdead, -1ull), 0);
	assert_int_equal(p->mask, 0xf);
	assert_int_equal(CALL(EID_IPI, 0, 0, 1000), 0); /* nobody is asked for */
	assert_int_equal(p->mask, 0);
	p->n_calls = 0;
	assert_int_equal(CALL(EID_IPI, 0, 0x10, 0), INVALID_PARAM);
	assert_int_equal(CALL(EID_IPI, 0, 3, 3), INVALID_PARAM);
	assert_int_equal(CALL(EID_IPI, 0, 1, 64), INVALID_PARAM);
	assert_int_equal(CALL(EID_IPI, 0, 1, -2ull), INVALID_PARAM);
	assert_int_equal(CALL(EID_IPI, 0, 1ull << 63, 1), INVALID_PARAM);
	assert_int_equal(p->n_calls, 0);
}

static void test_all_harts(void **state)
{
	struct platform *p = *state;
	uint64_t v;

	p->sbi.n_harts = 64;
	assert_int_equal(CALL(EID_IPI, 0, 0, -1ull), 0);
	assert_int_equal(p->mask, UINT64_MAX);
	assert_int_equal(CALL(EID_IPI, 0, 1, 63), 0);
	assert_int_equal(p->mask, 1ull << 63);
}

static void test_rfence(void **state)
{
	struct platform *p = *state;
	uint64_t v;

	assert_int_equal(CALL(EID_RFNC, 0, 3, 0, 0x1000, 0x1000), 0);
	assert_int_equal(p->kind, SBI_FENCE_I);
	assert_int_equal(p->mask, 3);
	assert_int_equal(CALL(EID_RFNC, 1, 1, 1, 0x1000, 0x3000), 0);
	assert_int_equal(p->kind, SBI_FENCE_VMA);
	assert_int_equal(p->mask, 2);
	assert_int_equal(p->start, 0x1000);
	assert_int_equal(p->size, 0x3000);
	assert_int_equal(CALL(EID_RFNC, 2, 1, 0, 0x1000, 0x3000, 77), 0);
	assert_int_equal(p->kind, SBI_FENCE_VMA_ASID);
	assert_int_equal(p->asid, 77);
	/* All of it: 0 and 0, all ones, and what wraps. */
	assert_int_equal(CALL(EID_RFNC, 1, 1, 0, 0, 0), 0);
	assert_int_equal(p->size, UINT64_MAX);
	assert_int_equal(CALL(EID_RFNC, 1, 1, 0, 0x5000, -1ull), 0);
	assert_int_equal(p->start, 0);
	assert_int_equal(p->size, UINT64_MAX);
	assert_int_equal(CALL(EID_RFNC, 1, 1, 0, -0x1000ull, 0x2000), 0);
	assert_int_equal(p->size, UINT64_MAX);
	p->n_calls = 0;
	assert_int_equal(CALL(EID_RFNC, 1, 0x100, 0, 0, 0), INVALID_PARAM);
	for (unsigned fid = 3; fid < 8; fid++)
		assert_int_equal(CALL(EID_RFNC, fid, 1, 0, 0, 0), NOT_SUPPORTED);
	assert_int_equal(p->n_calls, 0);
}

static void test_hsm(void **state)
{
	struct platform *p = *state;
	uint64_t v, a[8] = {0, 0, 0, 0, 0, 0, 1, EID_HSM};

	assert_int_equal(CALL(EID_HSM, 2, 0), 0);
	assert_int_equal(v, 0);
	assert_int_equal(CALL(EID_HSM, 2, 1), 0);
	assert_int_equal(v, 1);
	assert_int_equal(CALL(EID_HSM, 2, N_HARTS), INVALID_PARAM);
	assert_int_equal(CALL(EID_HSM, 2, 1ull << 32), INVALID_PARAM);

	assert_int_equal(CALL(EID_HSM, 0, 1, 0x1000, 7), INVALID_ADDRESS);
	assert_int_equal(CALL(EID_HSM, 0, 1, RAM_BASE + 1, 7), INVALID_ADDRESS);
	assert_int_equal(CALL(EID_HSM, 0, 1, RAM_BASE + RAM_SIZE, 7), INVALID_ADDRESS);
	assert_int_equal(CALL(EID_HSM, 0, N_HARTS, RAM_BASE, 7), INVALID_PARAM);
	assert_int_equal(CALL(EID_HSM, 0, 0, RAM_BASE, 7), ALREADY_AVAILABLE);
	assert_int_equal(CALL(EID_HSM, 0, 1, RAM_BASE, 7), 0);
	assert_int_equal(p->pc, RAM_BASE);
	assert_int_equal(p->opaque, 7);
	assert_int_equal(CALL(EID_HSM, 0, 1, RAM_BASE, 7), ALREADY_AVAILABLE);
	assert_int_equal(CALL(EID_HSM, 2, 1), 0);
	assert_int_equal(v, 0);

	sbi_ecall(&p->sbi, 1, a); /* hart 1 stops itself */
	assert_true(p->stopped[1]);
	assert_int_equal(CALL(EID_HSM, 2, 1), 0);
	assert_int_equal(v, 1);
}

static void test_suspend(void **state)
{
	struct sbi_platform_ops without = ops;
	struct platform *p = *state;
	uint64_t v;

	assert_int_equal(CALL(EID_HSM, 3, 0, 1, 2), 0); /* retentive: the address is not used */
	assert_true(p->flag);
	assert_int_equal(CALL(EID_HSM, 3, 0x80000000, RAM_BASE, 9), 0);
	assert_false(p->flag);
	assert_int_equal(p->pc, RAM_BASE);
	assert_int_equal(p->opaque, 9);
	/* As a 32-bit argument arrives by the calling convention. */
	assert_int_equal(CALL(EID_HSM, 3, 0xffffffff80000000, RAM_BASE, 9), 0);
	p->answer = -EOPNOTSUPP;
	assert_int_equal(CALL(EID_HSM, 3, 0x80000000, RAM_BASE, 9), NOT_SUPPORTED);
	p->n_calls = 0;
	assert_int_equal(CALL(EID_HSM, 3, 0x80000000, 0x10, 9), INVALID_ADDRESS);
	assert_int_equal(CALL(EID_HSM, 3, 1), INVALID_PARAM);
	assert_int_equal(CALL(EID_HSM, 3, 0x10000000), INVALID_PARAM);
	assert_int_equal(CALL(EID_HSM, 3, 0x90000000), INVALID_PARAM);
	without.hart_suspend = NULL;
	p->sbi.ops = &without;
	assert_int_equal(CALL(EID_HSM, 3, 0), NOT_SUPPORTED);
	assert_int_equal(p->n_calls, 0);
}

static void test_reset(void **state)
{
	struct platform *p = *state;
	uint64_t v;

	for (unsigned type = 0; type < 3; type++) {
		p->stopped[0] = false;
		assert_int_equal(CALL(EID_SRST, 0, type, type == 1), 0);
		assert_true(p->stopped[0]); /* the guest does not see it return */
		assert_int_equal(p->kind, type);
		assert_int_equal(p->flag, type == 1);
	}
	assert_int_equal(p->n_calls, 3);
	assert_int_equal(CALL(EID_SRST, 0, 3, 0), INVALID_PARAM);
	assert_int_equal(CALL(EID_SRST, 0, 0xf0000000, 0), INVALID_PARAM);
	assert_int_equal(CALL(EID_SRST, 0, 0, 2), INVALID_PARAM);
	assert_int_equal(CALL(EID_SRST, 0, 0, 0xe0000000), INVALID_PARAM);
	assert_int_equal(p->n_calls, 3);
}

static void test_console(void **state)
{
	static const char hello[] = "Hello, console";
	struct platform *p = *state;
	char *ram = gmem_map(p->f.m, RAM_BASE, 64);
	uint64_t v;

	memcpy(ram, hello, sizeof(hello));
	assert_int_equal(CALL(EID_DBCN, 0, 5, RAM_BASE, 0), 0);
	assert_int_equal(v, 5);
	assert_int_equal(CALL(EID_DBCN, 2, '!'), 0);
	assert_int_equal(v, 0);
	assert_memory_equal(p->console, "Hello!", 6);
	assert_int_equal(CALL(EID_DBCN, 0, 0, 0, 0), 0);
	assert_int_equal(v, 0);
	assert_int_equal(CALL(EID_DBCN, 0, 5, RAM_BASE, 1), INVALID_PARAM);
	assert_int_equal(CALL(EID_DBCN, 0, 5, 0x1000, 0), INVALID_PARAM);
	assert_int_equal(CALL(EID_DBCN, 0, 5, RAM_BASE + RAM_SIZE - 4, 0), INVALID_PARAM);
	assert_int_equal(CALL(EID_DBCN, 0, -1ull, RAM_BASE, 0), INVALID_PARAM);
	p->console_room = 3;
	assert_int_equal(CALL(EID_DBCN, 0, 5, RAM_BASE, 0), 0);
	assert_int_equal(v, 3);
	assert_int_equal(CALL(EID_DBCN, 2, '!'), -1);

	atomic_store(gmem_code_word(p->f.m, RAM_BASE), GMEM_HAS_CODE);
	assert_int_equal(CALL(EID_DBCN, 1, 10, RAM_BASE, 0), 0);
	assert_int_equal(v, 5);
	assert_memory_equal(ram, "typed, console", 14);
	assert_int_equal(atomic_load(gmem_code_word(p->f.m, RAM_BASE)), 2);
	assert_int_equal(CALL(EID_DBCN, 1, 10, 0, 0), INVALID_PARAM);
}

#define INHIBIT 0x320
#define ALL     0x7fd /* counters 0 and 2 to 10 */

static void test_pmu_lends(void **state)
{
	struct platform *p = *state;
	uint64_t v;

	assert_int_equal(CALL(EID_PMU, 0, 0), 0);
	assert_int_equal(v, 11);
	assert_int_equal(CALL(EID_PMU, 1, 10), 0);
	assert_int_equal(v, 0xc0a | 63 << 12);
	assert_int_equal(CALL(EID_PMU, 1, 1), INVALID_PARAM); /* time */
	assert_int_equal(CALL(EID_PMU, 1, 11), INVALID_PARAM);
	/* cycles and instructions have counters of their own. */
	assert_int_equal(CALL(EID_PMU, 2, 0, ALL, 0, 2), 0);
	assert_int_equal(v, 2);
	assert_int_equal(CALL(EID_PMU, 2, 3, 0xff, 0, 1), NOT_SUPPORTED);
	/* A raw event, then the same again: the next counter; cleared and started. */
	p->csr[0xb04] = 99;
	assert_int_equal(CALL(EID_PMU, 2, 0, ALL, 0, 2 << 16, 2), 0);
	assert_int_equal(v, 3);
	assert_int_equal(p->csr[INHIBIT] & 8, 8);
	assert_int_equal(CALL(EID_PMU, 2, 0, ALL, 6, 1 << 16 | 3 << 3 | 1, 0), 0);
	assert_int_equal(v, 4);
	assert_int_equal(p->csr[0x324], 4);
	assert_int_equal(p->csr[0xb04], 0);
	assert_int_equal(p->csr[INHIBIT] & 0x10, 0);
	/* What cannot be counted. */
	assert_int_equal(CALL(EID_PMU, 2, 0, ALL, 0, 5), NOT_SUPPORTED);
	assert_int_equal(CALL(EID_PMU, 2, 0, ALL, 0, 15 << 16), NOT_SUPPORTED);
	assert_int_equal(CALL(EID_PMU, 2, 0, 0x800, 0, 2), INVALID_PARAM);
	assert_int_equal(CALL(EID_PMU, 2, 11, 1, 0, 2), INVALID_PARAM);
	assert_int_equal(CALL(EID_PMU, 5, 0), NOT_SUPPORTED);
}

static void test_pmu_starts_and_stops(void **state)
{
	struct platform *p = *state;
	uint64_t v;

	assert_int_equal(CALL(EID_PMU, 4, 0, ALL, 1), 0);
	assert_int_equal(p->csr[INHIBIT], ALL);
	assert_int_equal(CALL(EID_PMU, 4, 0, ALL, 0), ALREADY_STOPPED);
	p->csr[0x323] = 1;
	assert_int_equal(CALL(EID_PMU, 3, 3, 1, 1, 77), 0);
	assert_int_equal(p->csr[0xb03], 77);
	assert_int_equal(p->csr[INHIBIT], ALL & ~8);
	assert_int_equal(CALL(EID_PMU, 3, 3, 1, 0), ALREADY_STARTED);
	assert_int_equal(CALL(EID_PMU, 4, 3, 1, 1), 0);
	assert_int_equal(p->csr[0x323], 0); /* given back */
	assert_int_equal(CALL(EID_PMU, 3, 60, 0xffff), INVALID_PARAM);
	assert_int_equal(CALL(EID_PMU, 4, 10, 3), INVALID_PARAM);
}

#define SBI_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SBI_TEST(test_base),      SBI_TEST(test_time_and_ipi),
		SBI_TEST(test_all_harts), SBI_TEST(test_rfence),
		SBI_TEST(test_hsm),       SBI_TEST(test_suspend),
		SBI_TEST(test_reset),     SBI_TEST(test_console),
		SBI_TEST(test_pmu_lends), SBI_TEST(test_pmu_starts_and_stops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
