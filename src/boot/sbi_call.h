/* SPDX-License-Identifier: MIT */
/* What sbi.c and the files of larger extensions share: the form of a call's answer. */
#ifndef BOOT_SBI_CALL_H
#define BOOT_SBI_CALL_H

#include "boot/sbi.h"

/* SBI 2.0, 3.1 */
enum sbi_error {
	SBI_SUCCESS = 0,
	SBI_ERR_FAILED = -1,
	SBI_ERR_NOT_SUPPORTED = -2,
	SBI_ERR_INVALID_PARAM = -3,
	SBI_ERR_INVALID_ADDRESS = -5,
	SBI_ERR_ALREADY_AVAILABLE = -6,
	SBI_ERR_ALREADY_STARTED = -7,
	SBI_ERR_ALREADY_STOPPED = -8,
};

struct sbi_ret {
	enum sbi_error error;
	uint64_t value;
};

static inline struct sbi_ret sbi_failure(enum sbi_error e)
{
	return (struct sbi_ret){.error = e};
}

static inline struct sbi_ret sbi_success(uint64_t value)
{
	return (struct sbi_ret){.value = value};
}

/* sbi_pmu.c: extension "PMU". */
struct sbi_ret sbi_call_pmu(const struct sbi *sbi, unsigned hart, uint64_t fid,
			    const uint64_t a[6]);

#endif
