/* SPDX-License-Identifier: MIT */
/*
 * fip.bin, what the first boot loaders of the Duo boards (CV180x, SG200x) load from flash or card:
 * two pages of parameters, and parts that they tell of, the small core's firmware among them. A
 * part's check sum is 0xcafe in the upper half and a CRC of 16 bits in the lower. Pure: any thread.
 *
 * The file may be anybody's: nothing in it is believed before it was compared with the file's size.
 */
#ifndef BOOT_FIP_H
#define BOOT_FIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FIP_MAX   (64u << 20) /* bytes of a file */
#define FIP_ALIGN 512u        /* of parts, in the file and in size */

struct err;

/* In the order in which the vendor's tool writes them. */
enum fip_id {
	FIP_PARAM1,
	FIP_BLCP,
	FIP_BL2,
	FIP_PARAM2,
	FIP_DDR_PARAM,
	FIP_BLCP_2ND, /* the small core's firmware */
	FIP_MONITOR,  /* SBI */
	FIP_LOADER_2ND,
	FIP_N_PARTS
};

struct fip_part {
	uint32_t at, size;  /* in the file; size 0: there is none */
	uint32_t run;       /* where it is loaded to; 0: the file does not say */
	uint32_t sum, real; /* the check sum in the file, and what it should be */
};

struct fip {
	struct fip_part part[FIP_N_PARTS];
};

/* As the vendor's tool calls it: "BLCP_2ND". */
const char *fip_part_name(enum fip_id id);

/* Whether there is such a part and its check sum is wrong. */
bool fip_part_is_bad(const struct fip_part *p);

/* 0 and all of *out; check sums may be wrong. -EBADMSG with the message in e: it is no such file,
 * ends too early, or has parts that are not in it or overlap. -EFBIG: longer than FIP_MAX. */
int fip_parse(const uint8_t *data, size_t len, struct fip *out, struct err *e);

/* 0, or -EBADMSG with a message that names the first part whose check sum is wrong. */
int fip_check(const struct fip *f, struct err *e);

/* Makes a file with another firmware for the small core, which is loaded to `run`, out of one that
 * fip_parse() has described in *f and fip_check() has found good. Parts behind it move; a file
 * without such a part gets one. *out is malloc'd and the caller's. 0, -EBADMSG: parameters stand
 * behind the parts, -EFBIG: it would be longer than FIP_MAX, -ENOMEM; each with the message in e.
 */
int fip_exchange(const uint8_t *data, size_t len, const struct fip *f, const void *firmware,
		 size_t firmware_len, uint32_t run, uint8_t **out, size_t *out_len, struct err *e);

#endif
