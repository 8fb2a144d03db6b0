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
/* That of /dev/cvi-rtos-cmdqu is its vendor's, since programs for the board use it. */
#define LINNET_IOC_CMDQU  'r'

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

/* --- duo_mailbox: /dev/cvi-rtos-cmdqu, messages between both cores of a Milk-V Duo ------------ */

/* A message; and in some commands the reply to it. The other core does not see mstime. */
struct duo_cmdqu {
	__u8 ip_id;   /* what it is about, as both sides have it */
	__u8 cmd_id;  /* below 0x80; for a message with a reply the driver sets that bit */
	__u16 mstime; /* how long to wait for a reply, or DUO_CMDQU_FOREVER; 0 in a reply */
	__u32 param;
};
#define DUO_CMDQU_FOREVER 0xffff

/* A message that tells of shared memory: what can be mapped of the device, from `offset` on. For
 * the other core its param is the address of two words, address and length.
 */
struct duo_cmdqu_buffer {
	struct duo_cmdqu message;
	__u32 offset, length;
};

/* The first five have the vendor's numbers, and take a pointer to a message.
 *	SEND         EBUSY: all channels are full
 *	REQUEST      messages with this ip_id and cmd_id that come by themselves can be read from
 *	             this file; EBUSY: they are another's
 *	REQUEST_FREE ends that; ENOENT: they are not this file's
 *	SEND_WAIT    as SEND, and waits for the reply, a message with the same ip_id and cmd_id,
 *	             which takes the message's place. ETIMEDOUT: there was none; EINTR; EALREADY:
 *	             another one waits for it; ECONNRESET: the other core was stopped
 *	SEND_WAKEUP  ends another's waiting for it with ECANCELED; ENOENT: nobody waits
 *	SEND_BUFFER  as SEND_WAIT, with a buffer; ERANGE: it is not in the shared memory
 *	FIND_BUFFER  message.param is of a message that was read; fills offset and length. ERANGE:
 *	             it tells of something that is not in the shared memory
 * All of them: EINVAL, there is no such cmd_id; EPERM, a driver has it for itself; ENOLCK, the
 * other core does not let go of the mailbox.
 */
#define DUO_CMDQU_SEND         _IOW(LINNET_IOC_CMDQU, 1, struct duo_cmdqu)
#define DUO_CMDQU_REQUEST      _IOW(LINNET_IOC_CMDQU, 2, struct duo_cmdqu)
#define DUO_CMDQU_REQUEST_FREE _IOW(LINNET_IOC_CMDQU, 3, struct duo_cmdqu)
#define DUO_CMDQU_SEND_WAIT    _IOW(LINNET_IOC_CMDQU, 4, struct duo_cmdqu)
#define DUO_CMDQU_SEND_WAKEUP  _IOW(LINNET_IOC_CMDQU, 5, struct duo_cmdqu)
#define DUO_CMDQU_SEND_BUFFER  _IOWR(LINNET_IOC_CMDQU, 16, struct duo_cmdqu_buffer)
#define DUO_CMDQU_FIND_BUFFER  _IOWR(LINNET_IOC_CMDQU, 17, struct duo_cmdqu_buffer)

/* Calls X(name) for each command. */
#define LINNET_IOCTLS(X)          \
	X(SCULL_IOCRESET)         \
	X(SCULL_IOCSQUANTUM)      \
	X(SCULL_IOCSQSET)         \
	X(SCULL_IOCTQUANTUM)      \
	X(SCULL_IOCTQSET)         \
	X(SCULL_IOCGQUANTUM)      \
	X(SCULL_IOCGQSET)         \
	X(SCULL_IOCQQUANTUM)      \
	X(SCULL_IOCQQSET)         \
	X(SCULL_IOCXQUANTUM)      \
	X(SCULL_IOCXQSET)         \
	X(SCULL_IOCHQUANTUM)      \
	X(SCULL_IOCHQSET)         \
	X(SCULL_IOCGUSAGE)        \
	X(SCULL_P_IOCTSIZE)       \
	X(SCULL_P_IOCQSIZE)       \
	X(KXO_IOCSETUP)           \
	X(KXO_IOCGSTATS)          \
	X(DUO_CMDQU_SEND)         \
	X(DUO_CMDQU_REQUEST)      \
	X(DUO_CMDQU_REQUEST_FREE) \
	X(DUO_CMDQU_SEND_WAIT)    \
	X(DUO_CMDQU_SEND_WAKEUP)  \
	X(DUO_CMDQU_SEND_BUFFER)  \
	X(DUO_CMDQU_FIND_BUFFER)

#endif
