/* SPDX-License-Identifier: MIT */
/*
 * The disk (specification 5.2): request queues over a struct block.
 *
 * Offers FLUSH, CONFIG_WCE, SEG_MAX, SIZE_MAX, BLK_SIZE, TOPOLOGY; MQ with more than one queue;
 * RO when the block is read-only, else DISCARD and WRITE_ZEROES. As many requests are in flight as
 * the rings have chains.
 */
#ifndef DEV_BLK_H
#define DEV_BLK_H

struct block;
struct loop;
struct vdev;

#define BLK_SERIAL_MAX 20 /* 5.2.6: bytes of the answer to GET_ID */
#define BLK_QUEUES_MAX 16

struct blk_config {
	struct block *block;            /* stays the caller's; must outlive the device */
	struct loop *loop;              /* where requests are served, but for queue_loop */
	struct loop *const *queue_loop; /* of each of the queues; copied. NULL: `loop` for all */
	const char *serial; /* at most BLK_SERIAL_MAX bytes are used; NULL: none. Copied. */
	unsigned n_queues;  /* at most BLK_QUEUES_MAX; 0: one */
	unsigned ring_size; /* entries that a ring will have at most; 0: as many as it can */
};

/* Control thread, while the loop does not run or from the loop. The device is freed by vdev_free()
 * or by its carrier. 0, -ENOMEM, or what opening a queue of the block gave. */
int blk_new(const struct blk_config *config, struct vdev **out);

#endif
