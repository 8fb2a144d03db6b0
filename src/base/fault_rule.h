/* SPDX-License-Identifier: MIT */
/* The inside of base/fault.h: what fault.c and fault_text.c share and nobody else sees. */
#ifndef BASE_FAULT_RULE_H
#define BASE_FAULT_RULE_H

#include "base/fault.h"

#define FAULT_NAME_MAX 15
#define FAULT_NEVER    UINT64_MAX

struct fault_device {
	struct fault_device *next;
	struct faults *set;
	const struct fault_kind *kind;
	char name[FAULT_NAME_MAX + 1];
	struct fault_point point[FAULT_N_OPS];
	void (*act)(void *arg, enum fault_op op);
	void *act_arg;
};

struct fault_rule {
	struct fault_rule *next;
	char *text;
	struct fault_device *device;
	enum fault_op op;
	unsigned what; /* one bit */

	uint64_t first, last; /* sectors; others are none of its operations */
	uint64_t skip;        /* operations that pass first */
	uint64_t every;       /* then each one of so many; 0 is 1 */
	uint64_t chance;      /* of each of these, of 2^32; 0: certain */
	uint64_t times;       /* at most so many faults; 0: no limit */
	uint64_t delay_ns;    /* of FAULT_DELAY */
	uint64_t after_ns;    /* sleeps so long from the start on */
	uint64_t period_ns;
	bool timed; /* it is the clock that asks: at after_ns, and then once a period */

	bool awake;
	uint64_t due_ns; /* when it wakes up, or is asked next; or FAULT_NEVER */
	uint64_t random; /* state of the sequence */
	uint64_t asked, taken;
};

/* Fills in all up to `timed`, and `random`, from text, which r takes over. devices: the list of all
 * there are. 0, or -EINVAL with a message. */
int fault_rule_parse(struct fault_rule *r, struct fault_device *devices, const char *label,
		     const char *text, struct err *e);

#endif
