/* SPDX-License-Identifier: MIT */
/*
 * One function for each extension; each gets the function number and the arguments and returns the
 * pair that the calling convention wants.
 *
 * There is no state for a starting or stopping hart: the platform's hart_start() decides between
 * callers that race, and a hart is STARTED until it has really stopped, so a kernel that waits for
 * STOPPED before it starts a hart again (as Linux does) cannot be told ALREADY_AVAILABLE.
 */
#include "boot/sbi_call.h"

#include <errno.h>

#include "base/bits.h"
#include "mem/gmem.h"

#define SPEC_VERSION (2u << 24)  /* 2.0 */
#define IMPL_ID      0x4c4e5455u /* not a registered number */
#define IMPL_VERSION 1u

enum hsm_state { HSM_STARTED = 0, HSM_STOPPED = 1 };

struct extension {
	uint64_t id;
	struct sbi_ret (*call)(const struct sbi *sbi, unsigned hart, uint64_t fid,
			       const uint64_t a[6]);
};

#define CSR_MVENDORID 0xf11u /* marchid and mimpid follow */

static const struct extension *find_extension(uint64_t id);

/* The harts that the pair (mask, base) means; false when one of them does not exist. */
static bool hart_mask(const struct sbi *sbi, uint64_t mask, uint64_t base, uint64_t *out)
{
	uint64_t all = ~0ull >> (64 - sbi->n_harts);

	*out = all;
	if (base == UINT64_MAX)
		return true;
	*out = base < 64 ? mask << base : 0;
	return (base < 64 ? *out >> base == mask : !mask) && !(*out & ~all);
}

static struct sbi_ret call_base(const struct sbi *sbi, unsigned hart, uint64_t fid,
				const uint64_t a[6])
{
	switch (fid) {
	case 0: return sbi_success(SPEC_VERSION);
	case 1: return sbi_success(IMPL_ID);
	case 2: return sbi_success(IMPL_VERSION);
	case 3: return sbi_success(find_extension(a[0]) != NULL);
	case 4: /* mvendorid */
	case 5: /* marchid */
	case 6: /* mimpid */
		return sbi_success(
			sbi->ops->csr_read(sbi->arg, hart, CSR_MVENDORID + (unsigned)fid - 4));
	default: return sbi_failure(SBI_ERR_NOT_SUPPORTED);
	}
}

static struct sbi_ret call_time(const struct sbi *sbi, unsigned hart, uint64_t fid,
				const uint64_t a[6])
{
	if (fid != 0)
		return sbi_failure(SBI_ERR_NOT_SUPPORTED);
	sbi->ops->set_timer(sbi->arg, hart, a[0]);
	return sbi_success(0);
}

static struct sbi_ret call_ipi(const struct sbi *sbi, unsigned hart, uint64_t fid,
			       const uint64_t a[6])
{
	uint64_t mask;

	if (fid != 0)
		return sbi_failure(SBI_ERR_NOT_SUPPORTED);
	if (!hart_mask(sbi, a[0], a[1], &mask))
		return sbi_failure(SBI_ERR_INVALID_PARAM);
	sbi->ops->send_ipi(sbi->arg, mask);
	return sbi_success(0);
}

static struct sbi_ret call_rfence(const struct sbi *sbi, unsigned hart, uint64_t fid,
				  const uint64_t a[6])
{
	uint64_t start = a[2], size = a[3], mask;

	if (fid > SBI_FENCE_VMA_ASID) /* the rest needs the hypervisor extension */
		return sbi_failure(SBI_ERR_NOT_SUPPORTED);
	if (!hart_mask(sbi, a[0], a[1], &mask))
		return sbi_failure(SBI_ERR_INVALID_PARAM);
	/* Both 0 and all ones mean everything, and doing too much is always right. */
	if (fid == SBI_FENCE_I || !size || start + size < start)
		size = UINT64_MAX;
	if (size == UINT64_MAX)
		start = 0;
	sbi->ops->fence(sbi->arg, mask, (enum sbi_fence)fid, start, size,
			fid == SBI_FENCE_VMA_ASID ? a[4] : 0);
	return sbi_success(0);
}

/* Whether instructions can be fetched from pc. */
static bool is_code_address(const struct sbi *sbi, uint64_t pc)
{
	return !(pc & 1) && gmem_map(sbi->mem, pc, 2);
}

static struct sbi_ret hsm_start(const struct sbi *sbi, const uint64_t a[6])
{
	if (a[0] >= sbi->n_harts)
		return sbi_failure(SBI_ERR_INVALID_PARAM);
	if (!is_code_address(sbi, a[1]))
		return sbi_failure(SBI_ERR_INVALID_ADDRESS);
	switch (sbi->ops->hart_start(sbi->arg, (unsigned)a[0], a[1], a[2])) {
	case 0: return sbi_success(0);
	case -EALREADY: return sbi_failure(SBI_ERR_ALREADY_AVAILABLE);
	default: return sbi_failure(SBI_ERR_FAILED);
	}
}

static struct sbi_ret hsm_suspend(const struct sbi *sbi, unsigned hart, const uint64_t a[6])
{
	const uint32_t type = (uint32_t)a[0];
	const bool retentive = !(type & 0x80000000u);

	if (type & 0x7fffffffu) /* reserved, or of a platform that we are not */
		return sbi_failure(SBI_ERR_INVALID_PARAM);
	if (!sbi->ops->hart_suspend)
		return sbi_failure(SBI_ERR_NOT_SUPPORTED);
	if (!retentive && !is_code_address(sbi, a[1]))
		return sbi_failure(SBI_ERR_INVALID_ADDRESS);
	switch (sbi->ops->hart_suspend(sbi->arg, hart, retentive, a[1], a[2])) {
	case 0: return sbi_success(0);
	case -EOPNOTSUPP: return sbi_failure(SBI_ERR_NOT_SUPPORTED);
	default: return sbi_failure(SBI_ERR_FAILED);
	}
}

static struct sbi_ret call_hsm(const struct sbi *sbi, unsigned hart, uint64_t fid,
			       const uint64_t a[6])
{
	switch (fid) {
	case 0: return hsm_start(sbi, a);
	case 1: sbi->ops->hart_stop(sbi->arg, hart); return sbi_success(0);
	case 2:
		if (a[0] >= sbi->n_harts)
			return sbi_failure(SBI_ERR_INVALID_PARAM);
		return sbi_success(sbi->ops->hart_is_stopped(sbi->arg, (unsigned)a[0])
					   ? HSM_STOPPED
					   : HSM_STARTED);
	case 3: return hsm_suspend(sbi, hart, a);
	default: return sbi_failure(SBI_ERR_NOT_SUPPORTED);
	}
}

static struct sbi_ret call_srst(const struct sbi *sbi, unsigned hart, uint64_t fid,
				const uint64_t a[6])
{
	const uint32_t type = (uint32_t)a[0], reason = (uint32_t)a[1];

	if (fid != 0)
		return sbi_failure(SBI_ERR_NOT_SUPPORTED);
	/* Reasons: none, failure; the others are reserved or somebody else's. */
	if (type > SBI_RESET_WARM || reason > 1)
		return sbi_failure(SBI_ERR_INVALID_PARAM);
	sbi->ops->system_reset(sbi->arg, (enum sbi_reset)type, reason == 1);
	sbi->ops->hart_stop(sbi->arg, hart); /* this call does not return */
	return sbi_success(0);
}

static struct sbi_ret call_dbcn(const struct sbi *sbi, unsigned hart, uint64_t fid,
				const uint64_t a[6])
{
	const uint8_t byte = (uint8_t)a[0];
	uint8_t *host;
	size_t n;

	if (fid > 2)
		return sbi_failure(SBI_ERR_NOT_SUPPORTED);
	if (fid == 2)
		return sbi_failure(sbi->ops->console_write(sbi->arg, &byte, 1) ? SBI_SUCCESS
									       : SBI_ERR_FAILED);
	if (!a[0])
		return sbi_success(0);
	/* a2 is the address's upper half, of which a 64-bit hart has none. */
	host = a[2] ? NULL : gmem_map(sbi->mem, a[1], a[0]);
	if (!host)
		return sbi_failure(SBI_ERR_INVALID_PARAM);
	if (fid == 0)
		return sbi_success(sbi->ops->console_write(sbi->arg, host, a[0]));
	n = sbi->ops->console_read(sbi->arg, host, a[0]);
	gmem_note_write(sbi->mem, a[1], n);
	return sbi_success(n);
}

static const struct extension extensions[] = {
	{0x10, call_base},         {0x54494d45, call_time}, /* "TIME" */
	{0x735049, call_ipi},                               /* "sPI" */
	{0x52464e43, call_rfence},                          /* "RFNC" */
	{0x48534d, call_hsm},                               /* "HSM" */
	{0x53525354, call_srst},                            /* "SRST" */
	{0x4442434e, call_dbcn},                            /* "DBCN" */
	{0x504d55, sbi_call_pmu},                           /* "PMU" */
};

#define CSR_MVENDORID 0xf11u /* marchid and mimpid follow */

static const struct extension *find_extension(uint64_t id)
{
	for (unsigned i = 0; i < ARRAY_SIZE(extensions); i++)
		if (extensions[i].id == id)
			return &extensions[i];
	return NULL;
}

void sbi_ecall(const struct sbi *sbi, unsigned hart, uint64_t a[8])
{
	const struct extension *x = find_extension(a[7]);
	struct sbi_ret ret = sbi_failure(SBI_ERR_NOT_SUPPORTED);

	if (x)
		ret = x->call(sbi, hart, a[6], a);
	a[0] = (uint64_t)(int64_t)ret.error;
	a[1] = ret.value;
}
