/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Coroutines: functions with a stack of their own that go on where they left off. They run on the
 * thread that resumes them, one at a time; for x86-64 and riscv64.
 */
#ifndef XO_CORO_H
#define XO_CORO_H

struct coro;

/* NULL with errno: no memory. Nothing runs before the first coro_resume(). */
struct coro *coro_new(void (*run)(struct coro *self, void *arg), void *arg);

/* Runs it until it yields (1) or has returned (0). Not from inside of a coroutine. */
int coro_resume(struct coro *c);

/* In the coroutine: back to who resumed it. */
void coro_yield(struct coro *self);

/* Also of one that has not returned: what lies on its stack is gone. NULL is fine. */
void coro_free(struct coro *c);

#endif
