/* SPDX-License-Identifier: MIT */
/* Commands of our own, which gdb passes on by `monitor`: for what its own have no words. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "cpu/rv64/csr_names.h"
#include "debug/private.h"
#include "mem/gmem.h"

#define TEXT_MAX 512

static bool number(const char *text, uint64_t *n)
{
	char *end;

	*n = strtoull(text, &end, 0);
	return *text && !*end;
}

static void phys(struct gdb_session *s, const char *arg, char out[TEXT_MAX])
{
	struct cpu *cpu = gdb_cpu(s);
	uint64_t va, pa;

	if (!number(arg, &va))
		snprintf(out, TEXT_MAX, "give an address: monitor phys 0xffffffff80000000\n");
	else if (cpu->vm->engine->debug->translate(cpu, va, &pa))
		snprintf(out, TEXT_MAX, "0x%" PRIx64 ": hart %u has no translation of it\n", va,
			 s->hart);
	else
		snprintf(out, TEXT_MAX, "0x%" PRIx64 " is physical 0x%" PRIx64 "%s\n", va, pa,
			 gmem_find(cpu->vm->cfg.mem, pa) ? "" : ", which is no memory");
}

static void csr(struct gdb_session *s, const char *arg, char out[TEXT_MAX])
{
	struct cpu *cpu = gdb_cpu(s);
	int known = rv64_csr_number(arg);
	uint64_t num = (uint64_t)known, value;

	if (known < 0 && (!number(arg, &num) || num > 0xfff))
		snprintf(out, TEXT_MAX, "give a name or a number below 0x1000: monitor csr satp\n");
	else if (cpu->vm->engine->debug->csr_read(cpu, (unsigned)num, &value))
		snprintf(out, TEXT_MAX, "hart %u has no CSR %s\n", s->hart, arg);
	else
		snprintf(out, TEXT_MAX, "0x%" PRIx64 "\n", value);
}

static void help(struct gdb_session *s, const char *arg, char out[TEXT_MAX])
{
	snprintf(out, TEXT_MAX,
		 "help          this list\n"
		 "phys ADDR     the physical address of a virtual one, on the present hart\n"
		 "csr NAME      a control and status register, by name or number\n");
}

void gdb_monitor(struct gdb_session *s, const char *command)
{
	static const struct {
		const char *name;
		void (*fn)(struct gdb_session *s, const char *arg, char out[TEXT_MAX]);
	} commands[] = {{"help", help}, {"phys", phys}, {"csr", csr}};
	char out[TEXT_MAX];
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		size_t n = strlen(commands[i].name);

		if (strncmp(command, commands[i].name, n) != 0 || (command[n] && command[n] != ' '))
			continue;
		commands[i].fn(s, command + n + strspn(command + n, " "), out);
		break;
	}
	if (i == ARRAY_SIZE(commands))
		snprintf(out, sizeof(out),
			 "monitor %.64s: there is no such command; see monitor help\n", command);
	gdb_begin(&s->out);
	gdb_put_hex(&s->out, out, strlen(out));
	gdb_end(&s->out);
}
