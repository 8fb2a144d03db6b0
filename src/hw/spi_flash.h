/* SPDX-License-Identifier: MIT */
/*
 * A serial NOR flash, 64 KiB to 64 MiB in a file, with the commands of Winbond's W25Q family that
 * use one data wire: identification (JEDEC id, SFDP of JESD216A), read and fast read, page program,
 * erase of 4, 32 and 64 KiB and of all, write enable, status registers, power down, reset, and
 * 4-byte addresses both by mode and by commands of their own. Modes 0 and 3.
 *
 * As on the chip a program or an erase begins when the select rises, and only then; it is done at
 * once, so that "busy" is never seen. Bits become 0 by programming, and 1 by erasing only.
 * Protection bits of the status register are kept and protect nothing.
 */
#ifndef HW_SPI_FLASH_H
#define HW_SPI_FLASH_H

#include <stdbool.h>
#include <stddef.h>

struct err;
struct spi_part;

#define SPI_FLASH_MIN ((size_t)64 << 10)
#define SPI_FLASH_MAX ((size_t)64 << 20)

/* label: what a message starts with. path outlives the part. 0, or -errno with the message in e. */
int spi_flash_new(const char *label, const char *path, bool read_only, struct spi_part **out,
		  struct err *e);

#endif
