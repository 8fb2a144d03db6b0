/* SPDX-License-Identifier: MIT */
/* Faults in generated code, told in a signal handler: no stdio, no memory, one write(). */
#include <string.h>
#include <unistd.h>

#include "base/sig.h"
#include "cpu/cpu.h"
#include "cpu/watch.h"

#define MAX_BYTES 16

struct text {
	char buf[400];
	size_t len;
};

static void put(struct text *t, const char *s)
{
	for (; *s && t->len < sizeof(t->buf); s++)
		t->buf[t->len++] = *s;
}

static void put_hex(struct text *t, uint64_t v, unsigned digits)
{
	char s[17] = "";
	unsigned n = digits;

	while (n < 16 && v >> 4 * n)
		n++;
	for (unsigned i = 0; i < n; i++)
		s[i] = "0123456789abcdef"[v >> 4 * (n - 1 - i) & 15];
	put(t, s);
}

static void put_field(struct text *t, const char *name, uint64_t v)
{
	put(t, name);
	put(t, "0x");
	put_hex(t, v, 1);
}

static void put_place(struct text *t, const struct cpu_place *p)
{
	put_field(t, "linnet: guest pc ", p->pc);
	put_field(t, " (physical ", p->pa);
	put_field(t, "), hart ", p->hart);
	if (p->n) {
		put_field(t, ", block of ", p->n);
		put_field(t, " instructions, host code at +", p->offset);
		put_field(t, " of ", p->size);
	} else {
		put(t, ", between blocks");
	}
	put(t, ":");
	for (size_t i = 0; i < MAX_BYTES && i < p->size - p->offset; i++) {
		put(t, " ");
		put_hex(t, p->code[i], 2);
	}
	put(t, "\n");
}

void cpu_report_fault(void *vm, const struct sig_fault *fault)
{
	const struct cpu_vm *v = vm;
	struct text t = {.len = 0};
	struct cpu_place place;
	ssize_t n;

	if (!v->engine->find_code || !v->engine->find_code(v, fault->pc, &place))
		return;
	put_field(&t, "linnet: generated code: signal ", (uint64_t)fault->signo);
	put_field(&t, " at host address ", fault->pc);
	put_field(&t, ", it concerns ", fault->addr);
	put(&t, "\n");
	put_place(&t, &place);
	n = write(STDERR_FILENO, t.buf, t.len);
	(void)n; /* there is nobody else to tell */
}
