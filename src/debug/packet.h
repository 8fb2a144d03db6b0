/* SPDX-License-Identifier: MIT */
/*
 * The packets of the gdb remote protocol ("Debugging with GDB", appendix E.1): `$data#checksum`,
 * with '}' before a byte that is sent xor 0x20. Pure functions over the caller's memory.
 */
#ifndef DEBUG_PACKET_H
#define DEBUG_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GDB_PACKET_MAX 0x4000u /* bytes of data in a packet */

/* ---- what a client sends ---- */

enum gdb_input {
	GDB_INPUT_MORE,      /* nothing yet */
	GDB_INPUT_PACKET,    /* data[0..len) until the next byte; data[len] is 0 */
	GDB_INPUT_BAD,       /* a packet whose checksum is wrong */
	GDB_INPUT_TOO_LONG,  /* a packet with more data than allowed */
	GDB_INPUT_INTERRUPT, /* Ctrl-C */
	GDB_INPUT_ACK,
	GDB_INPUT_NAK,
};

struct gdb_parser {
	uint8_t state; /* private */
	bool escaped, too_long;
	uint8_t sum, given;
	size_t len;
	uint8_t data[GDB_PACKET_MAX + 1];
};

/* The parser begins zeroed. Bytes between packets that mean nothing are passed over. */
enum gdb_input gdb_parse(struct gdb_parser *p, uint8_t byte);

/* ---- what it is sent ---- */

/* Bytes on their way: sent..len of buf. */
struct gdb_output {
	size_t sent, len;
	size_t packet; /* where the last packet begins */
	uint8_t sum;
	uint8_t buf[2 * GDB_PACKET_MAX + 1024];
};

/* A byte outside of packets. */
void gdb_put_raw(struct gdb_output *o, char c);
/* A packet: begin, any of the others, end. What has been sent is forgotten. More data than
 * GDB_PACKET_MAX bytes are dropped. */
void gdb_begin(struct gdb_output *o);
void gdb_end(struct gdb_output *o);
void gdb_put_bytes(struct gdb_output *o, const void *bytes, size_t n);
void gdb_put_text(struct gdb_output *o, const char *text);
void gdb_put_hex(struct gdb_output *o, const void *bytes, size_t n); /* two digits a byte */
void gdb_put_number(struct gdb_output *o, uint64_t n);               /* hexadecimal */

/* Has the last packet sent again, if there is one and it has gone out. */
void gdb_again(struct gdb_output *o);

/* ---- numbers ---- */

/* A hexadecimal number at *p, which moves behind it. False when there is no digit, or there are
 * more than 16. */
bool gdb_get_number(const char **p, uint64_t *n);
/* 2 * n digits at *p as n bytes. False when there are fewer; *p moves behind them otherwise. */
bool gdb_get_bytes(const char **p, void *bytes, size_t n);

#endif
