/* SPDX-License-Identifier: MIT */
/* libcapstone is loaded when it is needed, so that nobody has to have it who does not look at
 * code. */
#include "cpu/rv64/jit/host_text.h"

#include <stdio.h>
#include <stdlib.h>

#ifdef LINNET_HAVE_CAPSTONE
#include <capstone/capstone.h>
#include <dlfcn.h>
#include <stdbool.h>
#include <string.h>

struct host_text {
	void *library;
	__typeof__(cs_open) *open;
	__typeof__(cs_disasm) *disasm;
	__typeof__(cs_free) *free;
	__typeof__(cs_close) *close;
	csh handle;
};

static bool find(void *library, const char *name, void *fn)
{
	void *p = dlsym(library, name);

	memcpy(fn, &p, sizeof(p));
	return p;
}

static bool load(struct host_text *t)
{
	t->library = dlopen("libcapstone.so.4", RTLD_NOW | RTLD_LOCAL);
	return t->library && find(t->library, "cs_open", &t->open) &&
	       find(t->library, "cs_disasm", &t->disasm) && find(t->library, "cs_free", &t->free) &&
	       find(t->library, "cs_close", &t->close) &&
	       t->open(CS_ARCH_X86, CS_MODE_64, &t->handle) == CS_ERR_OK;
}

struct host_text *host_text_new(void)
{
	struct host_text *t = calloc(1, sizeof(*t));

	if (!t || load(t))
		return t;
	if (t->library)
		dlclose(t->library);
	free(t);
	return NULL;
}

void host_text_free(struct host_text *t)
{
	if (!t)
		return;
	t->close(&t->handle);
	dlclose(t->library);
	free(t);
}

void host_text_next(struct host_text *t, const uint8_t *code, size_t at, size_t left,
		    struct host_insn *out)
{
	cs_insn *in;

	*out = (struct host_insn){.len = 1, .mnemonic = ".byte"};
	snprintf(out->operands, sizeof(out->operands), "0x%02x", code[at]);
	if (!t->disasm(t->handle, code + at, left, at, 1, &in))
		return;
	out->len = in->size;
	snprintf(out->mnemonic, sizeof(out->mnemonic), "%s", in->mnemonic);
	snprintf(out->operands, sizeof(out->operands), "%s", in->op_str);
	t->free(in, 1);
}

#else

struct host_text *host_text_new(void)
{
	return NULL;
}

void host_text_free(struct host_text *t)
{
	free(t);
}

void host_text_next(struct host_text *t, const uint8_t *code, size_t at, size_t left,
		    struct host_insn *out)
{
	(void)t;
	*out = (struct host_insn){.len = left ? 1 : 0, .mnemonic = ".byte"};
	snprintf(out->operands, sizeof(out->operands), "0x%02x", code[at]);
}
#endif
