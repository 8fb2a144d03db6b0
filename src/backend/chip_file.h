/* SPDX-License-Identifier: MIT */
/*
 * What a memory chip (a flash, an EEPROM) holds: bytes in memory, and a file that follows them. One
 * thread at a time.
 */
#ifndef BACKEND_CHIP_FILE_H
#define BACKEND_CHIP_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

struct chip_file {
	uint8_t *data;
	size_t size;
	bool read_only;
	int fd;
	const char *path; /* the caller's */
	bool failed;      /* the file could not be written; said once */
};

struct chip_file_config {
	const char *label; /* what a message starts with: "--spi 0:0=flash" */
	const char *path;  /* outlives the chip */
	size_t min, max;   /* the sizes there are: powers of two from min to max, in bytes */
	bool read_only;
};

/* Reads the file, and locks it against others who write to it: 0; or -errno with the message in e,
 * and nothing is left open. */
int chip_file_open(struct chip_file *c, const struct chip_file_config *cfg, struct err *e);
/* The bytes at [offset, offset + len) have changed: writes them to the file. A failure is logged
 * once; the guest goes on with what is in memory. */
void chip_file_changed(struct chip_file *c, size_t offset, size_t len);
/* Of a zeroed one too. */
void chip_file_close(struct chip_file *c);

#endif
