/* SPDX-License-Identifier: MIT */
/*
 * The parser is a machine of four states, one byte a time, since a packet arrives in any pieces. A
 * '$' within a packet begins a new one: the client has given up the old. Output gathers in one
 * buffer; it has room for the longest answer with every byte escaped, and some acknowledgements.
 */
#include "debug/packet.h"

#include <string.h>

#include "base/hex.h"

enum { OUTSIDE, DATA, SUM_HIGH, SUM_LOW };

#define INTERRUPT 0x03
#define ESCAPE    '}'
#define ESCAPED   0x20

static void begin_data(struct gdb_parser *p)
{
	p->state = DATA;
	p->escaped = false;
	p->too_long = false;
	p->sum = 0;
	p->len = 0;
}

static enum gdb_input outside(struct gdb_parser *p, uint8_t byte)
{
	switch (byte) {
	case '$': begin_data(p); return GDB_INPUT_MORE;
	case INTERRUPT: return GDB_INPUT_INTERRUPT;
	case '+': return GDB_INPUT_ACK;
	case '-': return GDB_INPUT_NAK;
	default: return GDB_INPUT_MORE;
	}
}

static void data(struct gdb_parser *p, uint8_t byte)
{
	if (byte == '#') {
		p->state = SUM_HIGH;
		return;
	}
	if (byte == '$') {
		begin_data(p);
		return;
	}
	p->sum = (uint8_t)(p->sum + byte);
	if (byte == ESCAPE && !p->escaped) {
		p->escaped = true;
		return;
	}
	if (p->len == GDB_PACKET_MAX)
		p->too_long = true;
	else
		p->data[p->len++] = p->escaped ? byte ^ ESCAPED : byte;
	p->escaped = false;
}

static enum gdb_input finish(struct gdb_parser *p, uint8_t byte)
{
	int low = hex_value((char)byte);

	p->state = OUTSIDE;
	if (low < 0 || p->given > 15 || (p->given << 4 | low) != p->sum)
		return GDB_INPUT_BAD;
	if (p->too_long)
		return GDB_INPUT_TOO_LONG;
	p->data[p->len] = 0;
	return GDB_INPUT_PACKET;
}

enum gdb_input gdb_parse(struct gdb_parser *p, uint8_t byte)
{
	switch (p->state) {
	case DATA: data(p, byte); return GDB_INPUT_MORE;
	case SUM_HIGH:
		p->given = (uint8_t)hex_value((char)byte); /* above 15: no digit */
		p->state = SUM_LOW;
		return GDB_INPUT_MORE;
	case SUM_LOW: return finish(p, byte);
	default: return outside(p, byte);
	}
}

/* ---- output ---- */

static const char digits[] = "0123456789abcdef";

/* The last four bytes are for the end of a packet. */
static void put(struct gdb_output *o, uint8_t byte)
{
	if (o->len >= sizeof(o->buf) - 4)
		return;
	o->buf[o->len++] = byte;
	o->sum = (uint8_t)(o->sum + byte);
}

static void forget_sent(struct gdb_output *o)
{
	if (o->sent < o->len)
		return;
	o->sent = 0;
	o->len = 0;
}

void gdb_put_raw(struct gdb_output *o, char c)
{
	forget_sent(o);
	o->packet = SIZE_MAX;
	put(o, (uint8_t)c);
}

void gdb_begin(struct gdb_output *o)
{
	forget_sent(o);
	o->packet = o->len;
	put(o, '$');
	o->sum = 0;
}

void gdb_end(struct gdb_output *o)
{
	uint8_t sum = o->sum;

	o->buf[o->len++] = '#';
	o->buf[o->len++] = (uint8_t)digits[sum >> 4];
	o->buf[o->len++] = (uint8_t)digits[sum & 15];
}

void gdb_put_bytes(struct gdb_output *o, const void *bytes, size_t n)
{
	const uint8_t *b = bytes;

	for (size_t i = 0; i < n; i++) {
		if (b[i] == '$' || b[i] == '#' || b[i] == '*' || b[i] == ESCAPE) {
			put(o, ESCAPE);
			put(o, b[i] ^ ESCAPED);
		} else {
			put(o, b[i]);
		}
	}
}

void gdb_put_text(struct gdb_output *o, const char *text)
{
	gdb_put_bytes(o, text, strlen(text));
}

void gdb_put_hex(struct gdb_output *o, const void *bytes, size_t n)
{
	const uint8_t *b = bytes;

	for (size_t i = 0; i < n; i++) {
		put(o, (uint8_t)digits[b[i] >> 4]);
		put(o, (uint8_t)digits[b[i] & 15]);
	}
}

void gdb_put_number(struct gdb_output *o, uint64_t n)
{
	unsigned shift = 60;

	while (shift && !(n >> shift))
		shift -= 4;
	for (;; shift -= 4) {
		put(o, (uint8_t)digits[n >> shift & 15]);
		if (!shift)
			break;
	}
}

void gdb_again(struct gdb_output *o)
{
	if (o->sent == o->len && o->packet < o->len)
		o->sent = o->packet;
}

/* ---- numbers ---- */

bool gdb_get_number(const char **p, uint64_t *n)
{
	unsigned count = 0;
	int d;

	for (*n = 0; (d = hex_value(**p)) >= 0; (*p)++, count++)
		*n = *n << 4 | (unsigned)d;
	return count >= 1 && count <= 16;
}

bool gdb_get_bytes(const char **p, void *bytes, size_t n)
{
	uint8_t *b = bytes;

	for (size_t i = 0; i < n; i++) {
		int high = hex_value((*p)[0]);
		int low = high < 0 ? -1 : hex_value((*p)[1]);

		if (low < 0)
			return false;
		b[i] = (uint8_t)(high << 4 | low);
		*p += 2;
	}
	return true;
}
