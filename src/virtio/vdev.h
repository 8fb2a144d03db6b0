/* SPDX-License-Identifier: MIT */
/*
 * A virtio device apart from how it is carried to its driver.
 *
 *	carrier (mmio, ...) --- vdev_*() ---> core --- struct vdev_ops ---> device (blk, net, ...)
 *	carrier <--- struct vdev_port_ops --- core <------ vdev_*() ------- device
 *
 * Neither side knows the other. The contract is per queue, since carriers other than mmio start,
 * stop and reset queues one by one. The core, for both, refuses features that were not offered and
 * rings that are malformed, moves work to the loop where it belongs, and keeps config space.
 *
 * Threads. Each queue belongs to one loop: only there does the device touch its ring, so that
 * device code takes no locks. The carrier has a loop of its own (`home`), where it configures,
 * starts and stops; the two may be one loop. Each function says where it may be called: "home",
 * "queue" (that queue's loop) or "any". No loop ever waits for another one: starting and stopping
 * are posted, and what has to be known about them is called back.
 *
 * The life of a queue: stopped -> vdev_queue_start() -> [queue_start, then a first queue_kick,
 * since chains may be waiting] -> queue_kick ... -> vdev_queue_stop() -> [queue_stop ...
 * vdev_queue_stopped()] -> the carrier's callback on home: stopped again.
 *
 * Errors of the guest: vdev_broken() marks the device; its queues are not served any more, the
 * carrier shows the driver that a reset is due (specification 2.1.2), and all else goes on.
 */
#ifndef VIRTIO_VDEV_H
#define VIRTIO_VDEV_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/stats.h"
#include "virtio/virtq.h"

struct fault_device;
struct fault_point;
struct trace;
struct vdev;
struct vdev_queue;

#define VDEV_CONFIG_MAX 256u /* bytes of config space */

/* What a device implements. Called by the core only. */
struct vdev_ops {
	const char *name;   /* as in `linnet devices` */
	uint32_t device_id; /* specification 5 */

	/* Queue. The ring q->ring is ready. 0, or -errno: the device is then marked broken and the
	 * queue counts as stopped. */
	int (*queue_start)(struct vdev_queue *q);
	/* Queue. Pop no more; once nothing popped is in flight call vdev_queue_stopped(q), now or
	 * later. Nothing of the queue is called in between. */
	void (*queue_stop)(struct vdev_queue *q);
	/* Queue, only while started: chains may have been made available. Returns in bounded
	 * time; vdev_go_on() is how to go on later. */
	void (*queue_kick)(struct vdev_queue *q);

	/* Home. What the driver has chosen, before any queue is started; 0 after a reset. NULL: the
	 * device does not care. */
	void (*features_set)(struct vdev *dev, uint64_t features);
	/* Home. The driver wrote `size` (1, 2, 4 or 8) bytes within config space. NULL: nothing in
	 * it is writable. */
	void (*config_written)(struct vdev *dev, unsigned offset, unsigned size, uint64_t value);
	/* See vdev_free(); releases everything but what vdev_fini() does, which it calls. */
	void (*free)(struct vdev *dev);
};

/* What a carrier implements: all that a device may ask for. Any thread. */
struct vdev_port_ops {
	/* Chains of this queue were used and the driver wants to know. */
	void (*interrupt)(void *port, unsigned queue);
	/* Config space has changed. */
	void (*config_changed)(void *port);
	/* The device needs a reset. */
	void (*broken)(void *port);
	/* The device is gone for good: it interrupts no more. May be NULL. */
	void (*gone)(void *port);
};

/* How the carrier asks for one queue. */
struct vdev_queue_setup {
	struct virtq_setup ring; /* its features and stats are filled in by the core */
	int kick_fd;             /* an eventfd that kicks the queue, or -1: only vdev_kick() does */
	int call_fd;             /* an eventfd instead of the port's interrupt(), or -1 */
};

/* What the core counts, over resets too, and the tables that describe it: see base/stats.h. */
struct vdev_queue_stats {
	struct counter kicks; /* any thread */
	struct counter interrupts;
	struct virtq_stats ring;
};

struct vdev_stats {
	struct counter broken; /* any thread */
	struct counter errors; /* any thread */
};

extern const struct stats_row vdev_queue_rows[];
extern const struct stats_row vdev_rows[];

/* One queue. Device code reads dev and index and uses ring on the queue's loop. */
struct vdev_queue {
	struct vdev *dev;
	unsigned index;
	struct virtq ring;
	struct vdev_queue_stats stats; /* any thread reads */

	/* private */
	struct loop *loop;
	uint32_t size_max;
	atomic_int command; /* what `control` has to do */
	struct loop_task control;
	struct loop_task kick;
	struct loop_task flush;
	struct loop_task stopped;
	struct loop_fd kick_watch;
	bool flush_posted; /* queue: `flush` is due */
	bool running;      /* queue: the device has it */
	bool stopping;     /* queue: between queue_stop and vdev_queue_stopped() */
	bool started;      /* home */
	void (*stopped_cb)(void *arg);
	void *stopped_arg;
	struct vdev_queue_setup setup;
	struct virtq_waiting *waiting; /* home: what the ring takes for IN_ORDER */
	struct {                       /* see virtio/coalesce.h */
		uint32_t max_chains;
		uint64_t max_ns; /* 0: off */
		uint64_t chains; /* counted at the last decision */
		struct loop_timer timer;
		bool waits, due;
	} coalesce;
};

/* The common head of every device; devices embed it. */
struct vdev {
	const struct vdev_ops *ops;
	uint64_t offered; /* feature bits, the ring's among them */
	unsigned n_queues;
	struct vdev_queue *queues;
	struct vdev_stats stats; /* any thread reads */

	/* private */
	const struct vdev_port_ops *port;
	void *port_arg;
	struct loop *home;
	const struct gmem *mem;
	_Atomic uint64_t features; /* negotiated; home sets them */
	atomic_bool is_broken;
	const char *_Atomic why;
	atomic_bool is_gone;
	struct fault_device *faults; /* NULL: none on purpose; the points are NULL then too */
	struct fault_point *fault_irq, *fault_gone, *fault_broken;
	struct trace *trace; /* NULL: nobody traces */
	const char *trace_name;
	struct log_limit log;
	unsigned n_started; /* home */
	void (*reset_cb)(void *arg);
	void *reset_arg;
	unsigned config_len;
	atomic_uint config_seq; /* odd while config is being changed */
	_Atomic uint8_t config[VDEV_CONFIG_MAX];
};

/* ---- for the code that makes devices ---- */

/* Begins a device with n_queues queues, each to be given to vdev_queue_config() before use, and
 * `config_len` bytes of zeroed config space. features: the device's own; the ring's are added.
 * 0 or -ENOMEM. */
int vdev_init(struct vdev *dev, const struct vdev_ops *ops, uint64_t features, unsigned n_queues,
	      unsigned config_len);
/* Before it is attached: which features of the ring are offered, of VIRTQ_FEATURES_ALL; VERSION_1
 * always is. Without this call VIRTQ_FEATURES are. */
void vdev_offer_ring(struct vdev *dev, uint64_t features);
/* Before it is attached: no ring takes more than `max` entries, at least 1. */
void vdev_limit_rings(struct vdev *dev, uint32_t max);
/* From ops->free. */
void vdev_fini(struct vdev *dev);

/* size_max: 1 to VIRTQ_SIZE_MAX; a split ring takes no more than the power of two below. The loop
 * must outlive the device. */
void vdev_queue_config(struct vdev *dev, unsigned index, uint32_t size_max, struct loop *loop);

/* ---- for devices ---- */

/* Queue: virtq_pop(), which marks the device broken when the driver broke the ring. Negative too
 * when a fault on purpose breaks or removes the device at this request. */
int vdev_pop(struct vdev_queue *q, struct virtq_chain *c);

/* What a device did about the next chain. */
enum vdev_taken {
	VDEV_TAKEN,
	VDEV_NONE,    /* there is none (or the device is broken) */
	VDEV_STALLED, /* it cannot go on now; it will kick itself */
};

/* Queue: the usual queue_kick. Calls take() for one chain after the other, with kicks off, until
 * there is none left and kicks are on again; then flushes. What comes after a whole ring of chains
 * is left for later, so that one queue does not starve the others of its loop. */
void vdev_drain(struct vdev_queue *q, enum vdev_taken (*take)(struct vdev_queue *q));

/* Queue: publishes what was pushed and interrupts if that is wanted. */
void vdev_flush(struct vdev_queue *q);

/* Queue: the same once, after the loop has run what is due: for completions that come one by one.
 */
void vdev_flush_soon(struct vdev_queue *q);

/* Queue: answers queue_stop, once, when nothing popped is in flight. Publishes what was pushed. */
void vdev_queue_stopped(struct vdev_queue *q);

/* Queue: whether the device has the queue and has not been asked to stop it: what a back end's
 * callback asks before it pops. False on a broken device too. */
bool vdev_queue_live(const struct vdev_queue *q);

/* Any: the queue's device has work left for itself; as a kick, but not one of the driver's. */
void vdev_go_on(struct vdev_queue *q);

/* Any: a request of the driver's failed, by its back end or because it could not be served: for
 * statistics. Telling the driver is the device's. */
void vdev_count_error(struct vdev *dev);

/* Any: marks the device broken, says why (a literal) in one line of the log, and tells the
 * carrier. */
void vdev_broken(struct vdev *dev, const char *why);

/* Any: the same for a device that can still answer its requests, with errors: the driver is told
 * that a reset is due, and its queues are served on. */
void vdev_degraded(struct vdev *dev, const char *why);

/* Any: what the last vdev_broken() or vdev_degraded() said, over resets too; NULL: neither ever. */
const char *vdev_why(const struct vdev *dev);

/* Any, before and after attachment: replaces config bytes [offset, offset + len). */
void vdev_config_set(struct vdev *dev, unsigned offset, const void *buf, unsigned len);
/* Any: tells the driver that config space has changed. */
void vdev_config_changed(struct vdev *dev);

/* ---- for carriers ---- */

/* Before anything below, once: where the device's rings lie and to whom it talks. All of it must
 * outlive the device's use. */
void vdev_attach(struct vdev *dev, const struct vdev_port_ops *port, void *port_arg,
		 struct loop *home, const struct gmem *mem);

/* Home, after vdev_attach() and before any queue is started: faults on purpose of what every device
 * has, its interrupts and its presence (base/fault.h). NULL is allowed. */
void vdev_set_faults(struct vdev *dev, struct fault_device *faults);

/* As the above: kicks and interrupts are told of (base/trace.h) under this name, which outlives the
 * device. NULL is allowed. */
void vdev_set_trace(struct vdev *dev, struct trace *trace, const char *name);

/* Any: the device is gone, as if it had been pulled out: it serves nothing, writes nothing into its
 * rings, interrupts no more, and no reset brings it back. Its carrier shows an empty place. */
void vdev_gone(struct vdev *dev);
static inline bool vdev_is_gone(const struct vdev *dev)
{
	return atomic_load_explicit(&dev->is_gone, memory_order_acquire);
}

/* Home: the driver's choice of features. -EINVAL: not all offered, or without VERSION_1. */
int vdev_set_features(struct vdev *dev, uint64_t features);

/* How a queue stands, for reports. */
struct vdev_queue_state {
	bool ready;         /* started, and its device is not broken */
	uint32_t size;      /* of a ready one: its ring's */
	uint32_t in_flight; /* of a ready one: chains popped and not yet pushed, a moment ago */
	/* Of a ready split ring: chains that the driver has made available and that are not used;
	 * more than size when it lies. -1: a packed ring does not tell. */
	int32_t posted;
};

/* Home. index < dev->n_queues. */
struct vdev_queue_state vdev_queue_look(const struct vdev *dev, unsigned index);

/* Any: what the driver has chosen; 0 before. */
uint64_t vdev_features(const struct vdev *dev);

/* Any: whether the driver broke it since the last reset. */
bool vdev_is_broken(const struct vdev *dev);

/* Any: the largest ring of queue `index`, 0 when there is no such queue; a power of two until the
 * driver has chosen packed rings. */
uint32_t vdev_queue_size_max(const struct vdev *dev, unsigned index);

/* Home: 0; -EINVAL: no such queue, or a ring that the specification does not allow or that does not
 * lie in RAM; -EBUSY: not stopped, or a reset is under way; -ENOMEM. */
int vdev_queue_start(struct vdev *dev, unsigned index, const struct vdev_queue_setup *setup);

/* Home: cb(arg) follows once, on home, never inside the call, when nothing of the queue is in
 * flight any more. -EINVAL: not started, or being stopped already; then cb is not called. */
int vdev_queue_stop(struct vdev *dev, unsigned index, void (*cb)(void *arg), void *arg);

/* Home: the driver resets one queue (2.6.1): cb(arg) follows once, on home, when nothing of it is
 * in flight any more and it may be started anew; inside the call when it is not started. -EINVAL:
 * no such queue, or RING_RESET was not negotiated; -EBUSY: it is being stopped. Then cb is not
 * called. */
int vdev_queue_reset(struct vdev *dev, unsigned index, void (*cb)(void *arg), void *arg);

/* Home: stops all queues, forgets features and the broken state, and calls cb(arg) on home, once;
 * inside the call when no queue had to be stopped. One reset at a time. */
void vdev_reset(struct vdev *dev, void (*cb)(void *arg), void *arg);

/* Any: the driver says that there are new chains. Ignored while the queue is not started. Never
 * waits. */
void vdev_kick(struct vdev *dev, unsigned index);

/* Any: the same for a carrier whose driver writes one word to notify (2.9): with NOTIFICATION_DATA
 * the queue's number is the lower half of it, else all of it. The upper half tells what
 * the ring tells too, and is ignored. */
void vdev_notify(struct vdev *dev, uint32_t word);

/* Any: `size` (1, 2, 4 or 8) bytes of config space as one snapshot; bytes beyond its end are 0.
 * False: it was being changed meanwhile, try again. */
bool vdev_config_read(const struct vdev *dev, unsigned offset, unsigned size, uint64_t *value);
/* Any: differs between two reads whenever config space differs. */
uint32_t vdev_config_generation(const struct vdev *dev);
/* Home: the driver writes config space. What lies outside of it or is not writable is ignored. */
void vdev_config_write(struct vdev *dev, unsigned offset, unsigned size, uint64_t value);

/* Frees the device. All queues are stopped, its carrier is gone, and the caller owns (loop_adopt())
 * home and the loops of all queues. NULL is allowed. */
void vdev_free(struct vdev *dev);

#endif
