/* SPDX-License-Identifier: MIT */
/* Files of boards with any content: what is accepted lies in the file, and a firmware that is put
 * into it is there, with all other parts as they were. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "boot/fip.h"
#include "require.h"

#define RUN 0x8fe00000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void exchange(const uint8_t *data, size_t size, const struct fip *f)
{
	size_t firmware_len = 1 + size % 1500, len;
	struct err e = {0};
	struct fip changed;
	uint8_t *out;

	if (fip_exchange(data, size, f, data, firmware_len, RUN, &out, &len, &e)) {
		require(e.text[0] != 0);
		return;
	}
	require(!fip_parse(out, len, &changed, &e));
	for (unsigned i = 0; i < FIP_N_PARTS; i++) {
		const struct fip_part *a = &f->part[i], *b = &changed.part[i];

		if (i == FIP_BLCP_2ND) {
			require(b->run == RUN && b->size >= firmware_len && b->sum == b->real);
			require(!memcmp(out + b->at, data, firmware_len));
		} else if (i == FIP_PARAM2) {
			require(b->sum == b->real);
		} else {
			require(a->size == b->size && a->real == b->real);
		}
	}
	free(out);
}

/* A wrong check sum is no reason to stop here: else few inputs would come far. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = {0};
	struct fip f;

	if (fip_parse(data, size, &f, &e)) {
		require(e.text[0] != 0);
		return 0;
	}
	for (unsigned i = 0; i < FIP_N_PARTS; i++)
		require(f.part[i].at <= size && f.part[i].size <= size - f.part[i].at);
	(void)fip_check(&f, &e);
	exchange(data, size, &f);
	return 0;
}
