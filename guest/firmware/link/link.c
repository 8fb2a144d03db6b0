/* SPDX-License-Identifier: MIT */
/*
 * One thread, the link's, polls: it is woken by each kick, and every POLL_TICKS looks by itself
 * whether Linux has come, since a kick that was sent before this firmware began is lost. Messages
 * go from it into the queues of the services, whose threads it never waits for.
 *
 * A waiting thread sleeps on one of 32 event flags, chosen by what it waits for, and for a tick at
 * most: two that share a flag may take it from each other.
 */
#include "link/link.h"

#include <stddef.h>

#include "board/board.h"
#include "kernel/port.h"
#include "link/table.h"
#include "rpmsg/vring.h"

#define PRIORITY   4u
#define POLL_TICKS 20u
#define MS_TICK    (1000u / (uint32_t)TX_TIMER_TICKS_PER_SECOND)

#define RING_ALIGN  4096u
#define RINGS_APART 0x8000u
#define RAM_BASE    0x80000000u
#define KICK_PARAM  0xfu

/* By the linker: where the image begins, which is above all that Linux may name, and the rings. */
extern const struct {
	uint64_t image, rings;
} board_place;

static struct link_service *services;
static unsigned n_services;
static struct rpmsg rpmsg;
static struct rpmsg_vrings vrings;
static TX_SEMAPHORE kicks;
static TX_EVENT_FLAGS_GROUP news;
static TX_THREAD thread;
static UCHAR stack[LINK_STACK] __attribute__((aligned(16)));
static volatile bool kicked;
static bool by_table; /* Linux loaded this firmware, and says in the table how its driver is */

/* ---- what src/rpmsg needs of its environment ---- */

static void notify(void *arg, unsigned ring)
{
	struct mail mail = {.command = (uint8_t)ring, .param = KICK_PARAM};

	__asm__ volatile("fence" ::: "memory");
	while (mailbox_ring(&mail) != TX_SUCCESS)
		(void)tx_thread_sleep(1);
}

static void cache_clean(void *arg, const void *p, size_t len)
{
	board_cache_clean(p, len);
}

static void cache_invalidate(void *arg, const void *p, size_t len)
{
	board_cache_invalidate(p, len);
}

static uintptr_t lock(void *arg)
{
	return rt_lock();
}

static void unlock(void *arg, uintptr_t state)
{
	rt_unlock(state);
}

static ULONG flag_of(const void *what)
{
	return 1ul << ((uintptr_t)what / 64 + (uintptr_t)what / 2048) % 32;
}

static uint32_t wait(void *arg, const void *what, uint32_t ms)
{
	ULONG flags;

	if (tx_event_flags_get(&news, flag_of(what), TX_OR_CLEAR, &flags, 1) == TX_SUCCESS ||
	    ms == RPMSG_BLOCK)
		return ms;
	return ms > MS_TICK ? ms - MS_TICK : 0;
}

static void wake(void *arg, const void *what)
{
	(void)tx_event_flags_set(&news, flag_of(what), TX_OR);
}

static bool is_driver_ok(void)
{
	board_cache_invalidate((const void *)(uintptr_t)&link_table.vdev.status, 1);
	return link_table.vdev.status & TABLE_DRIVER_OK;
}

/* A driver that is loaded anew sets up the rings before it can take a message. */
static bool is_ready(void *arg)
{
	return !by_table || is_driver_ok();
}

static void link_changed(void *arg, bool up)
{
	board_say("link %s", up ? "up" : "down");
	for (unsigned i = 0; i < n_services && up; i++)
		if (services[i].name)
			(void)rpmsg_ns_announce(&rpmsg, &services[i].ept, services[i].name,
						RPMSG_NS_CREATE);
}

/* ---- the rings ---- */

/* False: Linux has not come yet. */
static bool find_rings(uint64_t ring[2])
{
	by_table = is_driver_ok();
	if (by_table) {
		board_cache_invalidate((const void *)(uintptr_t)&link_table, sizeof(link_table));
		ring[0] = link_table.vdev.vring[0].da;
		ring[1] = link_table.vdev.vring[1].da;
		return true;
	}
	ring[0] = board_place.rings;
	ring[1] = ring[0] + RINGS_APART;
	return kicked;
}

static bool begin(void)
{
	static struct rpmsg_window window = {.base = RAM_BASE, .p = (void *)(uintptr_t)RAM_BASE};
	static const struct rpmsg_env env = {.lock = lock,
					     .unlock = unlock,
					     .wait = wait,
					     .wake = wake,
					     .ready = is_ready,
					     .link = link_changed};
	struct rpmsg_vring_config config = {.num = RPMSG_VRING_MAX,
					    .align = RING_ALIGN,
					    .windows = &window,
					    .n_windows = 1,
					    .env = {.notify = notify,
						    .cache_clean = cache_clean,
						    .cache_invalidate = cache_invalidate}};

	if (!find_rings(config.ring))
		return false;
	window.size = board_place.image - RAM_BASE;
	if (rpmsg_vrings_init(&vrings, &config)) {
		board_say("rings at 0x%lx and 0x%lx are of no use", config.ring[0], config.ring[1]);
		return false;
	}
	rpmsg_remote_init(&rpmsg, &vrings.carrier, &env);
	return true;
}

/* ---- services ---- */

int link_send(struct link_service *s, uint32_t dst, const void *data, uint32_t len)
{
	return rpmsg_send(&rpmsg, &s->ept, dst, data, len, RPMSG_BLOCK);
}

static VOID serve(ULONG number)
{
	struct link_service *s = &services[number];
	uint32_t src, len;
	void *data;

	for (;;) {
		if (rpmsg_queue_recv_nocopy(&rpmsg, &s->queue, &src, &data, &len, RPMSG_BLOCK))
			continue;
		if (rpmsg_is_link_up(&rpmsg)) /* or Linux' driver is going, and soon its buffers */
			s->received(s, src, data, len);
		(void)rpmsg_queue_nocopy_free(&rpmsg, data);
	}
}

static void start_services(void)
{
	for (unsigned i = 0; i < n_services; i++) {
		struct link_service *s = &services[i];

		(void)rpmsg_queue_create(&rpmsg, &s->queue, s->items, LINK_QUEUE);
		if (!rpmsg_create_ept(&rpmsg, s->addr, rpmsg_queue_rx_cb, &s->queue, &s->ept))
			board_say("endpoint %u is taken", s->addr);
		(void)tx_thread_create(&s->thread, "service", serve, i, s->stack, sizeof(s->stack),
				       s->priority, s->priority, TX_NO_TIME_SLICE, TX_AUTO_START);
	}
}

/* ---- the thread ---- */

static VOID poll(ULONG unused)
{
	const char *why = NULL;

	while (!begin())
		(void)tx_semaphore_get(&kicks, POLL_TICKS);
	start_services();
	for (;;) {
		while (rpmsg_poll(&rpmsg))
			;
		if (rpmsg_vrings_why(&vrings) != why) {
			why = rpmsg_vrings_why(&vrings);
			board_say("%s", why ? why : "the rings are good again");
		}
		(void)tx_semaphore_get(&kicks, POLL_TICKS);
	}
}

bool link_is_kick(const struct mail *mail)
{
	if (mail->command > RPMSG_RING_RX)
		return false;
	kicked = true;
	(void)tx_semaphore_ceiling_put(&kicks, 1);
	return true;
}

struct rpmsg_counts link_counts(void)
{
	return rpmsg.counts;
}

void link_init(struct link_service *s, unsigned n)
{
	services = s;
	n_services = n;
	(void)tx_semaphore_create(&kicks, "kicks", 0);
	(void)tx_event_flags_create(&news, "news");
	(void)tx_thread_create(&thread, "link", poll, 0, stack, sizeof(stack), PRIORITY, PRIORITY,
			       TX_NO_TIME_SLICE, TX_AUTO_START);
}
