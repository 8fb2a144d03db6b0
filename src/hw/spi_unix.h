/* SPDX-License-Identifier: MIT */
/*
 * A part that another program plays, which listens at a UNIX socket of type SOCK_SEQPACKET. A
 * message is SPI_UNIX_HEADER bytes and frames of 2 bytes each, the lower first; at most
 * SPI_UNIX_FRAMES of them:
 *
 *	byte 0	SPI_UNIX_TRANSFER: what the controller sends in these frames
 *		SPI_UNIX_END: the select has risen; no frames, and no answer
 *	byte 1	mode, 0 to 3 (bit 0: CPHA, bit 1: CPOL)
 *	byte 2	bits of a frame, 4 to 16
 *	byte 3	1: the first transfer since the select fell; else 0
 *
 * A transfer is answered by a message of the same length: SPI_UNIX_TRANSFER, three bytes that do
 * not matter, and what the part sends in these frames. One transfer is under way at a time.
 *
 * A peer that hangs up, answers something else or not within SPI_UNIX_LIMIT_NS is disconnected:
 * MISO is pulled up, and the next transfer tries to connect again. So a guest waits for it, but not
 * for ever.
 */
#ifndef HW_SPI_UNIX_H
#define HW_SPI_UNIX_H

#define SPI_UNIX_HEADER   4u
#define SPI_UNIX_FRAMES   32u
#define SPI_UNIX_TRANSFER 'X'
#define SPI_UNIX_END      'E'
#define SPI_UNIX_LIMIT_NS 5000000000ull

struct err;
struct loop;
struct spi_part;

/* Connects. label: what a message starts with; path outlives the part. 0, or -errno with the
 * message in e. On the loop's thread. */
int spi_unix_new(struct loop *loop, const char *label, const char *path, struct spi_part **out,
		 struct err *e);

#endif
