/* SPDX-License-Identifier: MIT */
/*
 * A timer that sets its own pace. While output is stuck because the console is full, no further
 * command is taken: a `write` is answered when all of it is out, and its bytes are fetched from the
 * guest's memory as they go.
 */
#include "hw/htif.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/endian.h"
#include "base/loop.h"
#include "mem/gmem.h"

#define POLL_MIN_NS 50000u
#define POLL_MAX_NS 8000000u

#define COMMAND(device, command) ((device) << 8 | (command))
#define SYSCALL_WORDS            8
#define SYS_WRITE                64
#define SYS_EXIT                 93
/* Linux's numbers on RISC-V. */
#define GUEST_EBADF              9
#define GUEST_EFAULT             14
#define GUEST_ENOSYS             38

struct htif {
	struct htif_config cfg;
	_Atomic uint64_t *tohost, *fromhost; /* little-endian */
	struct loop_timer timer;
	uint64_t interval;
	bool ended;

	const uint8_t *out; /* what is not yet printed */
	uint64_t out_len;
	uint8_t character;
	uint64_t call; /* address of the `write` that is going on, or 0 */
	uint64_t call_result;
};

static void exit_with(struct htif *h, uint64_t status)
{
	h->ended = true;
	h->cfg.exit(h->cfg.arg, status);
}

static void answer(struct htif *h, uint64_t call, uint64_t result)
{
	le64_store(gmem_map(h->cfg.mem, call, sizeof(result)), result);
	gmem_note_write(h->cfg.mem, call, sizeof(result));
	if (h->fromhost)
		atomic_store(h->fromhost, htole64(1));
}

/* Prints on. */
static void output(struct htif *h)
{
	if (h->out_len) {
		size_t n = h->cfg.write(h->cfg.arg, h->out, h->out_len);

		h->out += n;
		h->out_len -= n;
	}
	if (!h->out_len && h->call) {
		answer(h, h->call, h->call_result);
		h->call = 0;
	}
}

/* Begins a write(); its result when it is refused, else 0. */
static uint64_t begin_write(struct htif *h, uint64_t call, const uint64_t *args)
{
	if (args[1] != 1 && args[1] != 2)
		return -(uint64_t)GUEST_EBADF;
	h->out = gmem_map(h->cfg.mem, args[2], args[3]);
	if (!h->out)
		return -(uint64_t)GUEST_EFAULT;
	h->out_len = args[3];
	h->call = call;
	h->call_result = args[3];
	return 0;
}

static void system_call(struct htif *h, uint64_t call)
{
	const void *p = gmem_map(h->cfg.mem, call, SYSCALL_WORDS * sizeof(uint64_t));
	uint64_t args[SYSCALL_WORDS], refused = -(uint64_t)GUEST_ENOSYS;

	if (!p)
		return;
	memcpy(args, p, sizeof(args));
	for (unsigned i = 0; i < SYSCALL_WORDS; i++)
		args[i] = le64toh(args[i]);
	if (args[0] == SYS_EXIT) {
		exit_with(h, args[1] & UINT32_MAX);
		return;
	}
	if (args[0] == SYS_WRITE)
		refused = begin_write(h, call, args);
	if (refused)
		answer(h, call, refused);
}

static void command(struct htif *h, uint64_t word)
{
	uint64_t payload = bits_get(word, 47, 0);

	switch (word >> 48) {
	case COMMAND(0, 0):
		if (payload & 1)
			exit_with(h, payload >> 1);
		else
			system_call(h, payload);
		break;
	case COMMAND(1, 1):
		h->character = (uint8_t)payload;
		h->out = &h->character;
		h->out_len = 1;
		break;
	}
}

static void poll(struct loop_timer *t)
{
	struct htif *h = t->arg;
	uint64_t word = 0;

	if (!h->out_len && atomic_load_explicit(h->tohost, memory_order_relaxed))
		word = le64toh(atomic_exchange(h->tohost, 0));
	if (word)
		command(h, word);
	h->interval = word || h->out_len ? POLL_MIN_NS : min_u64(2 * h->interval, POLL_MAX_NS);
	if (!h->ended)
		output(h);
	if (!h->ended)
		loop_timer_arm(h->cfg.loop, t, loop_now(h->cfg.loop) + h->interval);
}

static _Atomic uint64_t *word_at(const struct gmem *m, uint64_t addr)
{
	return addr % sizeof(uint64_t) ? NULL : gmem_map(m, addr, sizeof(uint64_t));
}

int htif_new(const struct htif_config *cfg, struct htif **out)
{
	struct htif *h;

	if (!word_at(cfg->mem, cfg->tohost) || (cfg->fromhost && !word_at(cfg->mem, cfg->fromhost)))
		return -EINVAL;
	h = calloc(1, sizeof(*h));
	if (!h)
		return -ENOMEM;
	h->cfg = *cfg;
	h->tohost = word_at(cfg->mem, cfg->tohost);
	h->fromhost = cfg->fromhost ? word_at(cfg->mem, cfg->fromhost) : NULL;
	h->timer.fn = poll;
	h->timer.arg = h;
	h->interval = POLL_MIN_NS;
	loop_timer_arm(cfg->loop, &h->timer, loop_now(cfg->loop) + h->interval);
	*out = h;
	return 0;
}

void htif_free(struct htif *h)
{
	if (!h)
		return;
	loop_timer_cancel(&h->timer);
	free(h);
}
