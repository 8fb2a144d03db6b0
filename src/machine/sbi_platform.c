/* SPDX-License-Identifier: MIT */
/* The built-in firmware's calls, in terms of the engine and of the machine's end. All run on the
 * calling hart's thread. */
#include <errno.h>

#include "base/bits.h"
#include "cpu/cpu.h"
#include "cpu/debug.h"
#include "hw/uart8250.h"
#include "machine/board.h"

static struct cpu *hart_cpu(struct machine *m, unsigned hart)
{
	return m->vm->cpu[hart];
}

static void platform_set_timer(void *arg, unsigned hart, uint64_t deadline)
{
	struct machine *m = arg;

	m->cfg.engine->set_timer(hart_cpu(m, hart), CPU_TIMER_S, deadline);
}

static void platform_send_ipi(void *arg, uint64_t hart_mask)
{
	struct machine *m = arg;

	for (unsigned hart = 0; hart < m->cfg.smp; hart++)
		if (hart_mask & BIT(hart))
			m->cfg.engine->set_irq(hart_cpu(m, hart), CPU_IRQ_SSI, true);
}

static void platform_fence(void *arg, uint64_t hart_mask, enum sbi_fence kind, uint64_t start,
			   uint64_t size, uint64_t asid)
{
	static const enum cpu_fence_kind kinds[] = {
		[SBI_FENCE_I] = CPU_FENCE_I,
		[SBI_FENCE_VMA] = CPU_FENCE_VMA,
		[SBI_FENCE_VMA_ASID] = CPU_FENCE_VMA_ASID,
	};
	struct machine *m = arg;

	m->cfg.engine->fence(m->vm, hart_mask, kinds[kind], start, size, asid);
}

static int platform_hart_start(void *arg, unsigned hart, uint64_t pc, uint64_t opaque)
{
	struct machine *m = arg;

	return m->cfg.engine->start(hart_cpu(m, hart), pc, opaque);
}

static void platform_hart_stop(void *arg, unsigned hart)
{
	struct machine *m = arg;

	m->cfg.engine->stop(hart_cpu(m, hart));
}

static bool platform_hart_is_stopped(void *arg, unsigned hart)
{
	struct machine *m = arg;

	return m->cfg.engine->is_stopped(hart_cpu(m, hart));
}

/* A retentive suspend may end at any time, so it ends at once: whoever calls it waits by wfi first
 * or asks again. There is no power to save that a non-retentive one would save. */
static int platform_hart_suspend(void *arg, unsigned hart, bool retentive, uint64_t pc,
				 uint64_t opaque)
{
	return retentive ? 0 : -EOPNOTSUPP;
}

static void platform_system_reset(void *arg, enum sbi_reset kind, bool failure)
{
	struct machine *m = arg;

	if (kind != SBI_RESET_SHUTDOWN)
		machine_end(m, MACHINE_REBOOT, 0);
	else
		machine_end(m, failure ? MACHINE_FAILED : MACHINE_POWEROFF, 0);
}

size_t machine_console_write(struct machine *m, const uint8_t *buf, size_t len)
{
	return uart8250_debug_write(m->uart[0], buf, len);
}

static size_t platform_console_write(void *arg, const uint8_t *buf, size_t len)
{
	return machine_console_write(arg, buf, len);
}

/* Input belongs to the UART's driver; a kernel so early that it has none needs no input. */
static size_t platform_console_read(void *arg, uint8_t *buf, size_t len)
{
	return 0;
}

static uint64_t platform_csr_read(void *arg, unsigned hart, unsigned num)
{
	struct machine *m = arg;
	uint64_t value = 0;

	(void)m->cfg.engine->debug->csr_read(hart_cpu(m, hart), num, &value);
	return value;
}

static void platform_csr_write(void *arg, unsigned hart, unsigned num, uint64_t value)
{
	struct machine *m = arg;

	(void)m->cfg.engine->debug->csr_write(hart_cpu(m, hart), num, value);
}

const struct sbi_platform_ops machine_sbi_ops = {
	.set_timer = platform_set_timer,
	.send_ipi = platform_send_ipi,
	.fence = platform_fence,
	.hart_start = platform_hart_start,
	.hart_stop = platform_hart_stop,
	.hart_is_stopped = platform_hart_is_stopped,
	.hart_suspend = platform_hart_suspend,
	.system_reset = platform_system_reset,
	.console_write = platform_console_write,
	.console_read = platform_console_read,
	.csr_read = platform_csr_read,
	.csr_write = platform_csr_write,
};
