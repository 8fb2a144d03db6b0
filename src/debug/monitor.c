/* SPDX-License-Identifier: MIT */
/* Commands of our own, which gdb passes on by `monitor`: for what its own have no words. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "debug/private.h"
#include "mem/gmem.h"

static void say(struct gdb_session *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void say(struct gdb_session *s, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	gdb_begin(&s->out);
	gdb_put_hex(&s->out, text, strlen(text));
	gdb_end(&s->out);
}

static bool number(const char *text, uint64_t *n)
{
	char *end;

	*n = strtoull(text, &end, 0);
	return *text && !*end;
}

static void phys(struct gdb_session *s, const char *arg)
{
	struct cpu *cpu = gdb_cpu(s);
	uint64_t va, pa;

	if (!number(arg, &va))
		say(s, "give an address: monitor phys 0xffffffff80000000\n");
	else if (cpu->vm->engine->debug->translate(cpu, va, &pa))
		say(s, "0x%" PRIx64 ": hart %u has no translation of it\n", va, s->hart);
	else
		say(s, "0x%" PRIx64 " is physical 0x%" PRIx64 "%s\n", va, pa,
		    gmem_find(cpu->vm->cfg.mem, pa) ? "" : ", which is no memory");
}

static void csr(struct gdb_session *s, const char *arg)
{
	struct cpu *cpu = gdb_cpu(s);
	int known = gdb_csr_number(arg);
	uint64_t num = (uint64_t)known, value;

	if (known < 0 && (!number(arg, &num) || num > 0xfff))
		say(s, "give a name or a number below 0x1000: monitor csr satp\n");
	else if (cpu->vm->engine->debug->csr_read(cpu, (unsigned)num, &value))
		say(s, "hart %u has no CSR %s\n", s->hart, arg);
	else
		say(s, "0x%" PRIx64 "\n", value);
}

static void help(struct gdb_session *s, const char *arg)
{
	say(s, "help          this list\n"
	       "phys ADDR     the physical address of a virtual one, on the present hart\n"
	       "csr NAME      a control and status register, by name or number\n");
}

void gdb_monitor(struct gdb_session *s, const char *command)
{
	static const struct {
		const char *name;
		void (*fn)(struct gdb_session *s, const char *arg);
	} commands[] = {{"help", help}, {"phys", phys}, {"csr", csr}};

	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++) {
		size_t n = strlen(commands[i].name);

		if (!strncmp(command, commands[i].name, n) && (!command[n] || command[n] == ' ')) {
			commands[i].fn(s, command + n + strspn(command + n, " "));
			return;
		}
	}
	say(s, "monitor %.64s: there is no such command; see monitor help\n", command);
}
