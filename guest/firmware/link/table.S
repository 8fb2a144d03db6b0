/* SPDX-License-Identifier: MIT */
/* struct link_table of table.h; in assembly, since C cannot put an address into 32 bits. */
#define TYPE_TRACE  2
#define TYPE_VDEV   3
#define ANYWHERE    0xffffffff
#define RPMSG       7	/* the device's id */
#define F_NS        1	/* its feature: names are announced */
#define RING_ALIGN  4096
#define RING_SIZE   256
#define TRACE_SIZE  4096	/* BOARD_TRACE_SIZE */

	.section .resource_table, "aw"
	.balign	64
	.globl	link_table
link_table:
	.word	1, 2, 0, 0, trace - link_table, vdev - link_table
trace:	.word	TYPE_TRACE, board_trace, TRACE_SIZE, 0
	.ascii	"small core"
	.zero	32 - 10
vdev:	.word	TYPE_VDEV, RPMSG, 0, F_NS, 0, 0
	.byte	0, 2, 0, 0
	.word	ANYWHERE, RING_ALIGN, RING_SIZE, 0, 0
	.word	ANYWHERE, RING_ALIGN, RING_SIZE, 1, 0
