/* SPDX-License-Identifier: MIT */
/* The hart's part in C; port.S has contexts and traps. */
#include "port.h"

#include "rt.h"

#define MSTATUS_FS         0x6000ul
#define MSTATUS_FS_INITIAL 0x2000ul

void rt_port_begin(void);
void rt_port_trap(void);

/* As rt_port_switch() leaves it: mstatus, and where to return to. */
struct context {
	unsigned long mstatus;
	void (*ra)(void);
	unsigned long s[12];
	unsigned long fcsr;
	double fs[12];
	unsigned long unused;
};

void rt_port_init(void)
{
	__asm__ volatile("csrw mtvec, %0" ::"r"(rt_port_trap));
}

void *rt_port_context(void *stack, unsigned long size)
{
	uintptr_t end = ((uintptr_t)stack + size) & ~15ul;
	struct context *c = (struct context *)(end - sizeof(*c));
	unsigned long mstatus;

	__asm__ volatile("csrr %0, mstatus" : "=r"(mstatus));
	*c = (struct context){.ra = rt_port_begin};
	c->mstatus = (mstatus & ~(MSTATUS_FS | RT_MSTATUS_MIE)) | MSTATUS_FS_INITIAL;
	return c;
}

void rt_port_idle(void)
{
	__asm__ volatile("wfi\n\t"
			 "csrsi mstatus, 8\n\t"
			 "csrci mstatus, 8" ::
				 : "memory");
}

void rt_interrupt(unsigned long cause)
{
	rt.in_interrupt = true;
	board_interrupt(cause);
	rt.in_interrupt = false;
}
