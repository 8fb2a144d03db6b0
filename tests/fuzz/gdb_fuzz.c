/* SPDX-License-Identifier: MIT */
/*
 * What a client of the gdb stub may send. The first byte chooses: odd, the rest is sent as it is;
 * even, each line becomes a packet with its checksum, and the harts run a little between two.
 *
 * Whatever it was: answers are well formed and not too long, and when the client is gone the
 * machine goes on and meets no point of the debugger's.
 */
#include <assert.h>
#include <string.h>

#include "debug/session_rig.h"

#define MAX_INPUT 8192
#define MAX_LINES 200

static void send_packet(struct session_rig *r, const uint8_t *data, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t packet[MAX_INPUT + 4] = {'$'};
	uint8_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum = (uint8_t)(sum + data[i]);
	memcpy(packet + 1, data, n);
	packet[n + 1] = '#';
	packet[n + 2] = (uint8_t)digits[sum >> 4];
	packet[n + 3] = (uint8_t)digits[sum & 15];
	session_rig_send(r, packet, n + 4, 2);
}

static void send_lines(struct session_rig *r, const uint8_t *data, size_t n)
{
	for (unsigned i = 0; i < MAX_LINES && n; i++) {
		const uint8_t *end = memchr(data, '\n', n);
		size_t len = end ? (size_t)(end - data) : n;

		if (len == 1 && (*data == 0x03 || *data == '-'))
			session_rig_send(r, data, 1, 2);
		else
			send_packet(r, data, len);
		len += end ? 1 : 0;
		data += len;
		n -= len;
	}
}

static void expect_free_machine(struct session_rig *r)
{
	session_rig_send(r, "", 0, 2);
	assert(!r->asked && r->running == UINT64_MAX);
	for (unsigned i = 0; i < RIG_HARTS; i++)
		assert(r->vm->engine->run(r->vm->cpu[i], 1000) != CPU_EXIT_DEBUG);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct session_rig *r;

	if (!n || n > MAX_INPUT)
		return 0;
	r = session_rig_new(false);
	if (*data & 1)
		session_rig_send(r, data + 1, n - 1, 2);
	else
		send_lines(r, data + 1, n - 1);
	gdb_session_close(&r->session);
	expect_free_machine(r);
	session_rig_free(r);
	return 0;
}
