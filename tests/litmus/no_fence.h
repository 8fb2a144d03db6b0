/* SPDX-License-Identifier: MIT */
/*
 * Put in front of the sources of the ring and of guest memory for the test of the test: the same
 * code, but that what is sequentially consistent, and each full fence, has no order.
 */
#include <stdatomic.h> /* with the number that it had, before there is another */

#undef __ATOMIC_SEQ_CST
#define __ATOMIC_SEQ_CST     __ATOMIC_RELAXED
#define memory_order_seq_cst memory_order_relaxed
