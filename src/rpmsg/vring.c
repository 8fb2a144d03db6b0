/* SPDX-License-Identifier: MIT */
/*
 * Each ring has three positions: how far the driver has made buffers available (its index), how far
 * we have taken them (next_avail), how far we have given them back (next_used, which the used index
 * in memory repeats). What is taken and not given is in held[], by descriptor, so that a buffer may
 * be given back in any order and a descriptor that comes twice is seen.
 *
 * Every look at a ring begins with the used index, since a driver that restarts shows there
 * (vring.h). A ring that broke while the index was 0 cannot show it: it begins anew as soon as its
 * first entry is a good one. What was taken from a broken ring is void.
 *
 * Notifications. Linux kicks the transmit ring with each buffer that it gives back to it. Nobody
 * waits for that as a rule, so it is told not to, and asked to again when there was no buffer to
 * take; after that the ring is looked at once more, since a buffer may have come in between.
 */
#include "rpmsg/vring.h"

#include <stdatomic.h>

#include "rpmsg/rpmsg.h"

#define DESC_SIZE     ((size_t)16)
#define DESC_AT_LEN   8u
#define DESC_AT_FLAGS 12u
#define DESC_F_NEXT   1u
#define DESC_F_WRITE  2u
#define DESC_F_TABLE  4u

#define AVAIL_F_NO_INTERRUPT 1u
#define USED_F_NO_NOTIFY     1u

/* Both the available and the used ring. */
#define AT_FLAGS 0u
#define AT_IDX   2u
#define AT_RING  4u

static struct rpmsg_vrings *vrings_of(struct rpmsg_carrier *c)
{
	return (struct rpmsg_vrings *)((char *)c - offsetof(struct rpmsg_vrings, carrier));
}

/* ---- shared memory ---- */

static uint16_t swap_if_big(uint16_t v)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	return __builtin_bswap16(v);
#else
	return v;
#endif
}

static void vring_invalidate(const struct rpmsg_vrings *v, const void *p, size_t len)
{
	if (v->env.cache_invalidate)
		v->env.cache_invalidate(v->env.arg, p, len);
}

static void vring_clean(const struct rpmsg_vrings *v, const void *p, size_t len)
{
	if (v->env.cache_clean)
		v->env.cache_clean(v->env.arg, p, len);
}

/* One aligned word that the other core may be writing; what it wrote before is there, too. */
static uint16_t vring_load(const struct rpmsg_vrings *v, const uint8_t *p)
{
	vring_invalidate(v, p, 2);
	return swap_if_big(__atomic_load_n((const uint16_t *)(const void *)p, __ATOMIC_ACQUIRE));
}

/* The same for a write: what was written before is seen before it. */
static void vring_store(const struct rpmsg_vrings *v, uint8_t *p, uint16_t value)
{
	__atomic_store_n((uint16_t *)(void *)p, swap_if_big(value), __ATOMIC_RELEASE);
	vring_clean(v, p, 2);
}

/* Where we reach [base, base + len), or NULL. */
static void *vring_window(const struct rpmsg_window *w, unsigned n, uint64_t base, uint64_t len)
{
	for (unsigned i = 0; i < n; i++) {
		if (base >= w[i].base && base - w[i].base < w[i].size &&
		    len <= w[i].size - (base - w[i].base))
			return (uint8_t *)w[i].p + (base - w[i].base);
	}
	return NULL;
}

/* ---- the state of a ring ---- */

static void vring_break(struct rpmsg_vring *vr, const char *why)
{
	vr->why = why;
	__builtin_memset(vr->held, 0, sizeof(vr->held));
}

static void vring_set_quiet(const struct rpmsg_vrings *v, struct rpmsg_vring *vr, bool quiet)
{
	vr->quiet = quiet;
	vring_store(v, vr->used + AT_FLAGS, quiet ? USED_F_NO_NOTIFY : 0);
}

/* A restart of the driver's is seen on one ring after the other, or on one alone if nothing was
 * used of the other: the ring that is first counts on, the other one follows. */
static void vring_restart(struct rpmsg_vrings *v, struct rpmsg_vring *vr)
{
	vr->next_avail = 0;
	vr->next_used = 0;
	vr->why = NULL;
	vring_set_quiet(v, vr, false); /* or what we wrote as the driver cleared the ring stays */
	__builtin_memset(vr->held, 0, sizeof(vr->held));
	if (vr->epoch == v->epoch) {
		v->epoch = v->epoch == UINT32_MAX ? 1 : v->epoch + 1;
		v->up = false;
	}
	vr->epoch = v->epoch;
}

/* Why a descriptor is none of ours; NULL: it is, and *p is its buffer, of *len bytes. */
static const char *vring_check(const struct rpmsg_vrings *v, const struct rpmsg_vring *vr,
			       uint16_t id, uint8_t **p, uint32_t *len)
{
	bool tx = vr == &v->ring[RPMSG_RING_TX];
	uint8_t desc[DESC_SIZE];
	uint16_t flags;

	if (id >= v->num)
		return "a descriptor that the ring has not";
	if (vr->held[id])
		return "a descriptor made available twice";
	vring_invalidate(v, vr->desc + DESC_SIZE * id, DESC_SIZE);
	__builtin_memcpy(desc, vr->desc + DESC_SIZE * id, sizeof(desc));
	flags = rpmsg_load16(desc + DESC_AT_FLAGS);
	if (flags & (DESC_F_NEXT | DESC_F_TABLE))
		return "a buffer in more than one part";
	if (!(flags & DESC_F_WRITE) == tx)
		return "a buffer of the wrong direction";
	*len = rpmsg_load32(desc + DESC_AT_LEN);
	if (*len < (tx ? v->carrier.buffer_size : RPMSG_HEADER_SIZE))
		return "a buffer that is too small";
	*p = (uint8_t *)vring_window(v->windows, v->n_windows,
				     (uint64_t)rpmsg_load32(desc + 4) << 32 | rpmsg_load32(desc),
				     *len);
	return *p ? NULL : "a buffer outside of the shared memory";
}

static uint16_t vring_entry(const struct rpmsg_vrings *v, const struct rpmsg_vring *vr, uint16_t n)
{
	return vring_load(v, vr->avail + AT_RING + 2 * (size_t)(n & (v->num - 1)));
}

static bool vring_begins_well(const struct rpmsg_vrings *v, const struct rpmsg_vring *vr)
{
	uint16_t n = vring_load(v, vr->avail + AT_IDX);
	uint32_t len;
	uint8_t *p;

	return n && n <= v->num && !vring_check(v, vr, vring_entry(v, vr, 0), &p, &len);
}

/* How many buffers there are to take, in a ring that the driver has just restarted, too; -1: the
 * ring cannot be used. */
static int vring_look(struct rpmsg_vrings *v, struct rpmsg_vring *vr)
{
	uint16_t used = vring_load(v, vr->used + AT_IDX), avail;

	if (used != vr->next_used) {
		if (!used)
			vring_restart(v, vr);
		else if (!vr->why)
			vring_break(vr, "somebody else has written the used index");
	} else if (vr->why && !used && vring_begins_well(v, vr)) {
		vring_restart(v, vr);
	}
	if (vr->why)
		return -1;
	avail = vring_load(v, vr->avail + AT_IDX);
	if ((uint16_t)(avail - vr->next_avail) > v->num && !used && avail <= v->num)
		vring_restart(v, vr);
	if ((uint16_t)(avail - vr->next_avail) > v->num) {
		vring_break(vr, "more is available than the ring has");
		return -1;
	}
	return (uint16_t)(avail - vr->next_avail);
}

/* The next buffer, or NULL. */
static void *vring_take(struct rpmsg_vrings *v, struct rpmsg_vring *vr, uint32_t *len)
{
	const char *why;
	uint16_t id;
	uint8_t *p;

	if (vring_look(v, vr) <= 0)
		return NULL;
	id = vring_entry(v, vr, vr->next_avail);
	why = vring_check(v, vr, id, &p, len);
	if (why) {
		vring_break(vr, why);
		return NULL;
	}
	vr->held[id] = p;
	vr->last_taken = id;
	vr->next_avail++;
	return p;
}

/* The descriptor of a buffer that is taken, or -1: among the last ones as a rule. */
static int vring_find(const struct rpmsg_vrings *v, const struct rpmsg_vring *vr,
		      const void *buffer)
{
	for (uint32_t n = 0; n < v->num; n++) {
		uint32_t id = (vr->last_taken + v->num - n) & (v->num - 1);

		if (vr->held[id] == buffer)
			return (int)id;
	}
	return -1;
}

/* Gives a buffer back, `len` bytes of which we have written. True: the driver wants to know. */
static bool vring_give(struct rpmsg_vrings *v, struct rpmsg_vring *vr, void *buffer, uint32_t len,
		       bool *known)
{
	int id = vring_find(v, vr, buffer);
	uint8_t *entry;

	*known = id >= 0 && vring_look(v, vr) >= 0;
	if (!*known)
		return false;
	/* A restart seen just now has let all go. */
	*known = vr->held[id] == buffer;
	if (!*known)
		return false;
	if (len)
		vring_clean(v, buffer, len);
	entry = vr->used + AT_RING + 8 * (size_t)(vr->next_used & (v->num - 1));
	rpmsg_store32(entry, (uint32_t)id);
	rpmsg_store32(entry + 4, len);
	vring_clean(v, entry, 8);
	vr->held[id] = NULL;
	vr->next_used++;
	vring_store(v, vr->used + AT_IDX, vr->next_used);
	/* The driver sets its flag and then looks at the index: so the index, then the flag. */
	atomic_thread_fence(memory_order_seq_cst);
	return !(vring_load(v, vr->avail + AT_FLAGS) & AVAIL_F_NO_INTERRUPT);
}

/* ---- the carrier ---- */

static uint32_t vrings_epoch(struct rpmsg_carrier *c)
{
	struct rpmsg_vrings *v = vrings_of(c);
	struct rpmsg_vring *tx = &v->ring[RPMSG_RING_TX];

	vring_look(v, &v->ring[RPMSG_RING_RX]);
	if (vring_look(v, tx) < 0)
		return 0;
	if (!v->up)
		v->up = vring_load(v, tx->avail + AT_IDX) != 0 || tx->next_avail;
	return v->up ? v->epoch : 0;
}

static void *vrings_rx_take(struct rpmsg_carrier *c, uint32_t *len)
{
	struct rpmsg_vrings *v = vrings_of(c);
	struct rpmsg_vring *rx = &v->ring[RPMSG_RING_RX];
	void *p = vring_take(v, rx, len);

	if (!p)
		return NULL;
	if (*len > c->buffer_size)
		*len = c->buffer_size;
	vring_invalidate(v, p, *len);
	return p;
}

static bool vrings_rx_give(struct rpmsg_carrier *c, void *buffer, bool *known)
{
	struct rpmsg_vrings *v = vrings_of(c);

	return vring_give(v, &v->ring[RPMSG_RING_RX], buffer, 0, known);
}

static void *vrings_tx_take(struct rpmsg_carrier *c)
{
	struct rpmsg_vrings *v = vrings_of(c);
	struct rpmsg_vring *tx = &v->ring[RPMSG_RING_TX];
	uint32_t len;
	void *p = vring_take(v, tx, &len);

	if (!p && tx->quiet) {
		vring_set_quiet(v, tx, false);
		atomic_thread_fence(memory_order_seq_cst);
		p = vring_take(v, tx, &len);
	}
	if (p && !tx->quiet)
		vring_set_quiet(v, tx, true);
	return p;
}

static bool vrings_tx_give(struct rpmsg_carrier *c, void *buffer, uint32_t len, bool *known)
{
	struct rpmsg_vrings *v = vrings_of(c);

	return vring_give(v, &v->ring[RPMSG_RING_TX], buffer, len, known);
}

static void vrings_notify(struct rpmsg_carrier *c, enum rpmsg_ring ring)
{
	struct rpmsg_vrings *v = vrings_of(c);

	v->env.notify(v->env.arg, ring);
}

static const struct rpmsg_carrier_ops vrings_ops = {
	.epoch = vrings_epoch,
	.rx_take = vrings_rx_take,
	.rx_give = vrings_rx_give,
	.tx_take = vrings_tx_take,
	.tx_give = vrings_tx_give,
	.notify = vrings_notify,
};

static bool is_power_of_two(uint32_t n)
{
	return n && !(n & (n - 1));
}

static int vring_init(struct rpmsg_vrings *v, struct rpmsg_vring *vr, uint64_t base,
		      const struct rpmsg_vring_config *config)
{
	uint64_t to_avail = (uint64_t)DESC_SIZE * v->num;
	uint64_t to_used = to_avail + AT_RING + 2 * (uint64_t)v->num + 2;
	uint8_t *p;

	to_used = (to_used + config->align - 1) & ~((uint64_t)config->align - 1);
	p = (uint8_t *)vring_window(v->windows, v->n_windows, base,
				    to_used + AT_RING + 8 * (uint64_t)v->num + 2);
	if (!p || ((uintptr_t)p & 3))
		return RPMSG_ERR_PARAM;
	vr->epoch = v->epoch;
	vr->desc = p;
	vr->avail = p + to_avail;
	vr->used = p + to_used;
	vr->next_used = vring_load(v, vr->used + AT_IDX);
	if (config->resume) {
		vr->next_avail = vr->next_used;
		vr->quiet = vring_load(v, vr->used + AT_FLAGS) & USED_F_NO_NOTIFY;
	} else if (vr->next_used) {
		vr->why = "the ring is left from before: the driver has not initialised it";
	}
	return RPMSG_SUCCESS;
}

int rpmsg_vrings_init(struct rpmsg_vrings *v, const struct rpmsg_vring_config *config)
{
	uint32_t size = config->buffer_size ? config->buffer_size : RPMSG_BUFFER_SIZE;

	if (!is_power_of_two(config->num) || config->num > RPMSG_VRING_MAX ||
	    !is_power_of_two(config->align) || config->align < 4 || size <= RPMSG_HEADER_SIZE ||
	    size > RPMSG_HEADER_SIZE + UINT16_MAX || !config->env.notify)
		return RPMSG_ERR_PARAM;
	__builtin_memset(v, 0, sizeof(*v));
	v->carrier = (struct rpmsg_carrier){.ops = &vrings_ops, .buffer_size = size};
	v->windows = config->windows;
	v->n_windows = config->n_windows;
	v->num = config->num;
	v->epoch = 1;
	v->env = config->env;
	for (unsigned i = 0; i < 2; i++) {
		int result = vring_init(v, &v->ring[i], config->ring[i], config);

		if (result)
			return result;
	}
	return RPMSG_SUCCESS;
}

const char *rpmsg_vrings_why(const struct rpmsg_vrings *v)
{
	for (unsigned i = 0; i < 2; i++) {
		if (v->ring[i].why)
			return v->ring[i].why;
	}
	return v->up ? NULL : "the driver has given no buffers";
}
