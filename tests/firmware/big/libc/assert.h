/* SPDX-License-Identifier: MIT */
/* For tests/unit/rpmsg/linux_side.c, which is written for a hosted system. */
#ifndef BIG_ASSERT_H
#define BIG_ASSERT_H

#include "tests/firmware/big/big.h"

#define assert(condition) ((condition) ? (void)0 : big_failed(__FILE__, __LINE__))

#endif
