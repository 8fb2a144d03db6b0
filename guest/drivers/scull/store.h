/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A store: bytes at 64-bit positions, kept in quanta. What was never written is a hole, takes no
 * memory, and reads as zeros.
 *
 * Locks, in the order in which they are taken:
 *	io		keeps whole requests apart; it is held while user memory is touched
 *	mmap_lock	of a process, by page faults
 *	lock		guards what a fault looks at too; never held while user memory is touched
 * With one lock for all, a read into a mapping of the same device would wait for itself.
 */
#ifndef SCULL_STORE_H
#define SCULL_STORE_H

#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/uio.h>
#include <linux/xarray.h>

struct page;
struct scull_usage;

#define SCULL_QUANTUM_MIN 16
#define SCULL_QUANTUM_MAX (1 << 20)
#define SCULL_QSET_MAX    65536

/* In which pieces bytes are kept; also the index in which an ioctl or an attribute names one. */
enum scull_dimension { SCULL_QUANTUM, SCULL_QSET, SCULL_N_DIMENSIONS };

struct scull_shape {
	u32 n[SCULL_N_DIMENSIONS]; /* bytes in a quantum, quanta in a set */
};

struct scull_store {
	struct mutex io;
	struct mutex lock;
	u64 size;                 /* changed with both locks held */
	struct xarray sets;       /* of struct scull_set, by position / bytes in a set */
	struct scull_shape shape; /* of what is stored; changes when it is emptied */
	struct scull_shape next;  /* the shape from then on */
	u64 quanta_bytes;         /* memory in quanta */
	u64 set_bytes;            /* memory in the tables of sets */
	u64 limit;                /* for the two together */
	unsigned int mappings;    /* parts of address spaces that show it */
};

void scull_store_init(struct scull_store *store, const struct scull_shape *shape, u64 limit);
/* Nobody uses it any more. */
void scull_store_fini(struct scull_store *store);

/* Empties it. -EBUSY while it is mapped, -ERESTARTSYS. */
int scull_store_clear(struct scull_store *store);

/* Bytes moved, which are fewer than asked for only at the end (0: at once), when memory is short
 * (-ENOSPC: the limit; -ENOMEM), or when user memory is bad (-EFAULT). *pos goes along.
 */
ssize_t scull_store_read(struct scull_store *store, loff_t *pos, struct iov_iter *to);
ssize_t scull_store_write(struct scull_store *store, loff_t *pos, struct iov_iter *from,
			  bool append);

/* seek.c: the first position from pos on that is stored (data), or is not. -ENXIO when pos is not
 * below the size, or when no data follows.
 */
loff_t scull_store_seek(struct scull_store *store, loff_t pos, bool data);

/* For mappings: counts one, -EINVAL where a quantum is not of whole pages. */
int scull_store_map(struct scull_store *store);
void scull_store_map_again(struct scull_store *store);
void scull_store_unmap(struct scull_store *store);
/* The page at a page's position, with a reference; a hole is filled. While it is mapped.
 * ERR_PTR(-EFAULT) beyond the end.
 */
struct page *scull_store_page(struct scull_store *store, u64 pos);

/* Sets one dimension of the next shape; *old may be NULL. -EINVAL when it is out of range. */
int scull_store_set_next(struct scull_store *store, enum scull_dimension d, unsigned long value,
			 u32 *old);
u32 scull_store_get_next(struct scull_store *store, enum scull_dimension d);
bool scull_shape_allows(enum scull_dimension d, unsigned long value);
void scull_store_usage(struct scull_store *store, struct scull_usage *usage);

/* A set: the table of its quanta, NULL where there is none. */
struct scull_set {
	u32 n;          /* that are there */
	void *quanta[]; /* shape.n[SCULL_QSET] of them */
};

/* Where a position lies. */
struct scull_place {
	unsigned long set;
	u32 quantum; /* in the set */
	u32 offset;  /* in the quantum */
	u32 left;    /* bytes from there to the quantum's end */
};
struct scull_place scull_store_place(const struct scull_store *store, u64 pos);

#endif
