/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note OR MIT */
/*
 * The ioctl commands of Linnet's own drivers, for the drivers, for programs, and for
 * `linnet ioctl decode`.
 *
 * A number has the four standard fields of Documentation/userspace-api/ioctl/ioctl-number.rst: the
 * direction (as the program sees it: _IOR reads), the size of what is copied, the driver's type,
 * and the command. A command with _IO copies nothing; its argument, if it has one, is a value.
 *
 * A structure has the same layout for 32-bit and 64-bit programs: only __aligned_u64 where 64 bits
 * are needed, no pointers and no long, no gaps. So compat_ioctl has nothing to convert but the
 * pointer to it.
 *
 * Each command stands twice: as a #define, and in LINNET_IOCTLS at the end. A driver's numbers are
 * never used again for something else.
 */
#ifndef LINNET_IOCTL_H
#define LINNET_IOCTL_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* Types: one for each driver, of those that the kernel's list leaves free. */
#define LINNET_IOC_SCULL  0xd5
#define LINNET_IOC_KXO    0xd6
#define LINNET_IOC_IRQLAB 0xd7

/* --- scull: scull0-3, scullsingle, sculluid, scullwuid, scullpriv ----------------------------- */

/* What a device holds, and in which pieces. */
struct scull_usage {
	__aligned_u64 size;      /* bytes, with the holes */
	__aligned_u64 allocated; /* bytes of quanta; a hole has none */
	__u32 quantum;           /* bytes in a quantum, of what is stored now */
	__u32 qset;              /* quanta in a set */
};

/* Quantum and set size of what will be stored after the device has been emptied, in the six forms
 * that an ioctl can have. All that change something want CAP_SYS_ADMIN.
 *	S set       by pointer			T tell      by value
 *	G get       by pointer			Q query     as the result
 *	X exchange  set, get the old		H shift     tell, query the old
 */
#define SCULL_IOCRESET    _IO(LINNET_IOC_SCULL, 0) /* both as the module's parameters say */
#define SCULL_IOCSQUANTUM _IOW(LINNET_IOC_SCULL, 1, __u32)
#define SCULL_IOCSQSET    _IOW(LINNET_IOC_SCULL, 2, __u32)
#define SCULL_IOCTQUANTUM _IO(LINNET_IOC_SCULL, 3)
#define SCULL_IOCTQSET    _IO(LINNET_IOC_SCULL, 4)
#define SCULL_IOCGQUANTUM _IOR(LINNET_IOC_SCULL, 5, __u32)
#define SCULL_IOCGQSET    _IOR(LINNET_IOC_SCULL, 6, __u32)
#define SCULL_IOCQQUANTUM _IO(LINNET_IOC_SCULL, 7)
#define SCULL_IOCQQSET    _IO(LINNET_IOC_SCULL, 8)
#define SCULL_IOCXQUANTUM _IOWR(LINNET_IOC_SCULL, 9, __u32)
#define SCULL_IOCXQSET    _IOWR(LINNET_IOC_SCULL, 10, __u32)
#define SCULL_IOCHQUANTUM _IO(LINNET_IOC_SCULL, 11)
#define SCULL_IOCHQSET    _IO(LINNET_IOC_SCULL, 12)
#define SCULL_IOCGUSAGE   _IOR(LINNET_IOC_SCULL, 13, struct scull_usage)

/* --- scullpipe0-3; these have FIONREAD too ---------------------------------------------------- */

/* Bytes that fit in; told as a value (rounded up to a power of two), queried as the result. */
#define SCULL_P_IOCTSIZE _IO(LINNET_IOC_SCULL, 32)
#define SCULL_P_IOCQSIZE _IO(LINNET_IOC_SCULL, 33)

/* --- kxo: see <linnet/kxo.h> for what one reads and writes ------------------------------------ */

#define KXO_BOARDS_MAX 8
#define KXO_USER       0xff /* in the place of an agent: moves come from the program */

struct kxo_setup {
	__aligned_u64
		seed;   /* the same seed gives the same games, as far as the kernel plays them */
	__u32 games;    /* on all boards together; 0 goes on forever */
	__u8 boards;    /* games at a time, 1 to KXO_BOARDS_MAX */
	__u8 agents[2]; /* X, O: 0 mcts, 1 negamax, 2 td, 3 random, or KXO_USER */
	__u8 zero;
};

/* Since the games were asked for; what was played before KXO_IOCSETUP does not count. */
struct kxo_stats {
	__aligned_u64 frames, bytes; /* that were read */
	__aligned_u64 games;         /* that have ended */
	__aligned_u64 moves[2];      /* of the kernel's agents, X and O; and so are the next two */
	__aligned_u64 busy_ns[2];    /* time in which they had a CPU, or others took it from them */
	__aligned_u64 longest_ns[2]; /* without offering the CPU to others */
};

/* Clears the table and begins other games. EINVAL: a value is out of its range. */
#define KXO_IOCSETUP  _IOW(LINNET_IOC_KXO, 0, struct kxo_setup)
#define KXO_IOCGSTATS _IOR(LINNET_IOC_KXO, 1, struct kxo_stats)

/* Calls X(name) for each command. */
#define LINNET_IOCTLS(X)     \
	X(SCULL_IOCRESET)    \
	X(SCULL_IOCSQUANTUM) \
	X(SCULL_IOCSQSET)    \
	X(SCULL_IOCTQUANTUM) \
	X(SCULL_IOCTQSET)    \
	X(SCULL_IOCGQUANTUM) \
	X(SCULL_IOCGQSET)    \
	X(SCULL_IOCQQUANTUM) \
	X(SCULL_IOCQQSET)    \
	X(SCULL_IOCXQUANTUM) \
	X(SCULL_IOCXQSET)    \
	X(SCULL_IOCHQUANTUM) \
	X(SCULL_IOCHQSET)    \
	X(SCULL_IOCGUSAGE)   \
	X(SCULL_P_IOCTSIZE)  \
	X(SCULL_P_IOCQSIZE)  \
	X(KXO_IOCSETUP)      \
	X(KXO_IOCGSTATS)

#endif
