/* SPDX-License-Identifier: MIT */
/*
 * Registers by the numbers that gdb gives them: x0 to x31, pc, f0 to f31, then CSRs in the order of
 * their own numbers, then the privilege. The target description names those that the hart has; its
 * features are those of gdb's own documentation ("Debugging with GDB", G.5.10). Without an osabi
 * gdb may take the guest for a process of Linux, and step by breakpoints, past every trap.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bits.h"
#include "cpu/rv64/csr_names.h"
#include "debug/private.h"

#define FIRST_F   33u
#define FIRST_CSR 65u
#define N_CSRS    4096u
#define PRIV      (FIRST_CSR + N_CSRS)
#define LAST_FCSR 3u /* fflags, frm and fcsr are 1 to 3 */

static const struct cpu_debug_ops *ops_of(const struct gdb_session *s)
{
	return s->target->vm->engine->debug;
}

static bool is_csr(unsigned num)
{
	return num >= FIRST_CSR && num < PRIV;
}

static bool is_fp_csr(unsigned num)
{
	return num > FIRST_CSR && num <= FIRST_CSR + LAST_FCSR;
}

unsigned gdb_reg_size(unsigned num)
{
	return is_fp_csr(num) ? 4 : 8;
}

unsigned gdb_reg_read(struct gdb_session *s, unsigned num, uint64_t *value)
{
	struct cpu *cpu = gdb_cpu(s);
	struct cpu_regs regs;

	if (is_csr(num))
		return ops_of(s)->csr_read(cpu, num - FIRST_CSR, value) ? 0 : gdb_reg_size(num);
	if (num > PRIV)
		return 0;
	cpu->vm->engine->get_regs(cpu, &regs);
	if (num < GDB_REG_PC)
		*value = regs.x[num];
	else if (num == GDB_REG_PC)
		*value = regs.pc;
	else if (num < FIRST_CSR)
		*value = regs.f[num - FIRST_F];
	else
		*value = regs.priv;
	return gdb_reg_size(num);
}

static unsigned write_csr(struct gdb_session *s, unsigned num, uint64_t value)
{
	switch (ops_of(s)->csr_write(gdb_cpu(s), num, value)) {
	case 0: return 0;
	case -EPERM: return GDB_E_PERM;
	default: return GDB_E_ARGS;
	}
}

unsigned gdb_reg_write(struct gdb_session *s, unsigned num, uint64_t value)
{
	struct cpu *cpu = gdb_cpu(s);
	struct cpu_regs regs;

	if (is_csr(num))
		return write_csr(s, num - FIRST_CSR, value);
	if (num > PRIV || (num == PRIV && (value == 2 || value > 3)))
		return GDB_E_ARGS;
	cpu->vm->engine->get_regs(cpu, &regs);
	if (num < GDB_REG_PC)
		regs.x[num] = value;
	else if (num == GDB_REG_PC)
		regs.pc = value;
	else if (num < FIRST_CSR)
		regs.f[num - FIRST_F] = value;
	else
		regs.priv = (uint8_t)value;
	cpu->vm->engine->set_regs(cpu, &regs);
	return 0;
}

/* ---- the target description ---- */

static void describe_cpu(FILE *f)
{
	static const char *const names[] = {"zero", "ra", "sp",  "gp",  "tp", "t0", "t1", "t2",
					    "fp",   "s1", "a0",  "a1",  "a2", "a3", "a4", "a5",
					    "a6",   "a7", "s2",  "s3",  "s4", "s5", "s6", "s7",
					    "s8",   "s9", "s10", "s11", "t3", "t4", "t5", "t6"};

	fprintf(f, "<feature name=\"org.gnu.gdb.riscv.cpu\">");
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		const char *type = i == 1 ? "code_ptr" : i >= 2 && i <= 4 ? "data_ptr" : "int";

		fprintf(f, "<reg name=\"%s\" bitsize=\"64\" type=\"%s\" regnum=\"%u\"/>\n",
			names[i], i == 8 ? "data_ptr" : type, i);
	}
	fprintf(f, "<reg name=\"pc\" bitsize=\"64\" type=\"code_ptr\" regnum=\"%u\"/></feature>\n",
		GDB_REG_PC);
}

static void describe_fpu(FILE *f)
{
	static const char *const names[] = {
		"ft0", "ft1", "ft2", "ft3", "ft4",  "ft5",  "ft6", "ft7", "fs0",  "fs1", "fa0",
		"fa1", "fa2", "fa3", "fa4", "fa5",  "fa6",  "fa7", "fs2", "fs3",  "fs4", "fs5",
		"fs6", "fs7", "fs8", "fs9", "fs10", "fs11", "ft8", "ft9", "ft10", "ft11"};
	char buf[RV64_CSR_NAME];

	fprintf(f, "<feature name=\"org.gnu.gdb.riscv.fpu\"><union id=\"riscv_double\">"
		   "<field name=\"float\" type=\"ieee_single\"/>"
		   "<field name=\"double\" type=\"ieee_double\"/></union>\n");
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		fprintf(f,
			"<reg name=\"%s\" bitsize=\"64\" type=\"riscv_double\" regnum=\"%u\"/>\n",
			names[i], FIRST_F + i);
	for (unsigned i = 1; i <= LAST_FCSR; i++)
		fprintf(f,
			"<reg name=\"%s\" bitsize=\"32\" type=\"int\" group=\"float\" "
			"regnum=\"%u\"/>\n",
			rv64_csr_name(i, buf), FIRST_CSR + i);
	fprintf(f, "</feature>\n");
}

static void describe_csrs(struct gdb_session *s, FILE *f)
{
	char buf[RV64_CSR_NAME];
	uint64_t value;

	fprintf(f, "<feature name=\"org.gnu.gdb.riscv.csr\">");
	for (unsigned i = LAST_FCSR + 1; i < N_CSRS; i++) {
		const char *name = rv64_csr_name(i, buf);

		if (name && !ops_of(s)->csr_read(gdb_cpu(s), i, &value))
			fprintf(f,
				"<reg name=\"%s\" bitsize=\"64\" type=\"int\" group=\"csr\" "
				"regnum=\"%u\"/>\n",
				name, FIRST_CSR + i);
	}
	fprintf(f, "</feature>\n");
}

int gdb_describe(struct gdb_session *s)
{
	FILE *f;

	if (s->xml)
		return 0;
	f = open_memstream(&s->xml, &s->xml_len);
	if (!f)
		return -ENOMEM;
	fprintf(f, "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n"
		   "<target version=\"1.0\"><architecture>riscv:rv64</architecture>"
		   "<osabi>none</osabi>\n");
	describe_cpu(f);
	describe_fpu(f);
	describe_csrs(s, f);
	fprintf(f,
		"<feature name=\"org.gnu.gdb.riscv.virtual\"><reg name=\"priv\" bitsize=\"64\" "
		"type=\"int\" regnum=\"%u\"/></feature></target>\n",
		PRIV);
	return fclose(f) ? -ENOMEM : 0;
}
