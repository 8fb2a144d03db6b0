// SPDX-License-Identifier: GPL-2.0
/*
 * A switch is a function call that returns on another stack. The compiler takes all registers that
 * a function may change for lost anyway; so coro_switch() puts those that it must keep on the
 * stack, notes the stack pointer, takes the other stack's, and gets the same registers from there.
 * The stack of a new coroutine is made to look as if it had just called coro_switch() from
 * coro_begin, with the function and its argument in two of those registers.
 *
 * Below each stack lies a page that cannot be written: an overflow is a fault, not a mystery.
 */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include "coro.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

#define STACK (128u << 10)
#define GUARD (64u << 10) /* a page on any machine */

struct coro {
	void *own, *other; /* stack pointers while it does not run, and while it does */
	char *stack;
	void (*run)(struct coro *self, void *arg);
	void *arg;
	int done;
	/* What AddressSanitizer wants to know of both stacks. */
	void *own_fake, *other_fake;
	const void *other_bottom;
	size_t other_size;
};

void coro_switch(void **from, void *to);
void coro_begin(void);

#ifdef __x86_64__
/* What coro_switch() pops, lowest address first. */
enum { R15, R14, R13, R12, RBX, RBP, RETURN, WORDS };
#define FUNCTION RBX
#define ARGUMENT R12
__asm__(".text\n"
	".globl coro_switch\n"
	"coro_switch:\n"
	"	push %rbp\n	push %rbx\n	push %r12\n"
	"	push %r13\n	push %r14\n	push %r15\n"
	"	mov %rsp, (%rdi)\n"
	"	mov %rsi, %rsp\n"
	"	pop %r15\n	pop %r14\n	pop %r13\n"
	"	pop %r12\n	pop %rbx\n	pop %rbp\n"
	"	ret\n"
	".globl coro_begin\n"
	"coro_begin:\n"
	"	mov %r12, %rdi\n"
	"	call *%rbx\n"
	"	ud2\n");
#elif defined(__riscv)
enum { RETURN, S0, S1, WORDS = 26 };
#define FUNCTION S0
#define ARGUMENT S1
__asm__(".text\n"
	".globl coro_switch\n"
	"coro_switch:\n"
	"	addi sp, sp, -208\n"
	"	sd ra, 0(sp)\n	sd s0, 8(sp)\n	sd s1, 16(sp)\n"
	"	sd s2, 24(sp)\n	sd s3, 32(sp)\n	sd s4, 40(sp)\n	sd s5, 48(sp)\n	sd s6, 56(sp)\n"
	"	sd s7, 64(sp)\n	sd s8, 72(sp)\n	sd s9, 80(sp)\n	sd s10, 88(sp)\n	sd s11, "
	"96(sp)\n"
	"	fsd fs0, 104(sp)\n	fsd fs1, 112(sp)\n	fsd fs2, 120(sp)\n	fsd fs3, "
	"128(sp)\n"
	"	fsd fs4, 136(sp)\n	fsd fs5, 144(sp)\n	fsd fs6, 152(sp)\n	fsd fs7, "
	"160(sp)\n"
	"	fsd fs8, 168(sp)\n	fsd fs9, 176(sp)\n	fsd fs10, 184(sp)\n	fsd fs11, "
	"192(sp)\n"
	"	sd sp, 0(a0)\n"
	"	mv sp, a1\n"
	"	ld ra, 0(sp)\n	ld s0, 8(sp)\n	ld s1, 16(sp)\n"
	"	ld s2, 24(sp)\n	ld s3, 32(sp)\n	ld s4, 40(sp)\n	ld s5, 48(sp)\n	ld s6, 56(sp)\n"
	"	ld s7, 64(sp)\n	ld s8, 72(sp)\n	ld s9, 80(sp)\n	ld s10, 88(sp)\n	ld s11, "
	"96(sp)\n"
	"	fld fs0, 104(sp)\n	fld fs1, 112(sp)\n	fld fs2, 120(sp)\n	fld fs3, "
	"128(sp)\n"
	"	fld fs4, 136(sp)\n	fld fs5, 144(sp)\n	fld fs6, 152(sp)\n	fld fs7, "
	"160(sp)\n"
	"	fld fs8, 168(sp)\n	fld fs9, 176(sp)\n	fld fs10, 184(sp)\n	fld fs11, "
	"192(sp)\n"
	"	addi sp, sp, 208\n"
	"	ret\n"
	".globl coro_begin\n"
	"coro_begin:\n"
	"	mv a0, s1\n"
	"	jalr s0\n"
	"	ebreak\n");
#else
#error "coro_switch() is not written for this CPU"
#endif

/* Around each switch: which stack is left, for good or not, and which is gone to. */
static void leave(void **fake, const void *bottom, size_t size)
{
#ifdef __SANITIZE_ADDRESS__
	__sanitizer_start_switch_fiber(fake, bottom, size);
#else
	(void)fake;
	(void)bottom;
	(void)size;
#endif
}

static void arrive(void *fake, const void **from_bottom, size_t *from_size)
{
#ifdef __SANITIZE_ADDRESS__
	__sanitizer_finish_switch_fiber(fake, from_bottom, from_size);
#else
	(void)fake;
	(void)from_bottom;
	(void)from_size;
#endif
}

/* The first function on a coroutine's stack. It never returns: nobody has called it. */
static void coro_main(struct coro *c)
{
	arrive(NULL, &c->other_bottom, &c->other_size);
	c->run(c, c->arg);
	c->done = 1;
	leave(NULL, c->other_bottom, c->other_size);
	coro_switch(&c->own, c->other);
}

struct coro *coro_new(void (*run)(struct coro *self, void *arg), void *arg)
{
	struct coro *c = calloc(1, sizeof(*c));
	uintptr_t *sp;

	if (!c)
		return NULL;
	c->stack = mmap(NULL, GUARD + STACK, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (c->stack == MAP_FAILED)
		goto free;
	if (mprotect(c->stack + GUARD, STACK, PROT_READ | PROT_WRITE))
		goto unmap;
	c->run = run;
	c->arg = arg;
	/* What is left when coro_begin is reached is a multiple of 16, as both ABIs want it. */
	sp = (uintptr_t *)(void *)(c->stack + GUARD + STACK) - 2 - WORDS;
	sp[RETURN] = (uintptr_t)coro_begin;
	sp[FUNCTION] = (uintptr_t)coro_main;
	sp[ARGUMENT] = (uintptr_t)c;
	c->own = sp;
	return c;

unmap:
	munmap(c->stack, GUARD + STACK);
free:
	free(c);
	return NULL;
}

int coro_resume(struct coro *c)
{
	if (c->done)
		return 0;
	leave(&c->other_fake, c->stack + GUARD, STACK);
	coro_switch(&c->other, c->own);
	arrive(c->other_fake, NULL, NULL);
	return !c->done;
}

void coro_yield(struct coro *self)
{
	leave(&self->own_fake, self->other_bottom, self->other_size);
	coro_switch(&self->own, self->other);
	arrive(self->own_fake, &self->other_bottom, &self->other_size);
}

void coro_free(struct coro *c)
{
	if (!c)
		return;
	munmap(c->stack, GUARD + STACK);
	free(c);
}
