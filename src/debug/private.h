/* SPDX-License-Identifier: MIT */
/* What the files of the gdb stub share. The loop's thread. */
#ifndef DEBUG_PRIVATE_H
#define DEBUG_PRIVATE_H

#include "debug/session.h"

/* Errors as the protocol has them: two digits, which gdb shows. They are errno's. */
#define GDB_E_PERM  0x01
#define GDB_E_ARGS  0x16
#define GDB_E_FAULT 0x0e
#define GDB_E_BUSY  0x10
#define GDB_E_SPACE 0x1c
#define GDB_E_MANY  0x07

static inline struct cpu *gdb_cpu(const struct gdb_session *s)
{
	return s->target->vm->cpu[s->hart];
}

static inline unsigned gdb_n_harts(const struct gdb_session *s)
{
	return s->target->vm->cfg.n_harts;
}

/* Whole answers. */
void gdb_answer(struct gdb_session *s, const char *text);
void gdb_error(struct gdb_session *s, unsigned number);

/* ---- session.c ---- */

/* What each hart does next. */
enum gdb_action { GDB_STAY, GDB_CONTINUE, GDB_STEP };

/* Lets harts go; the answer follows when they stop. */
void gdb_resume(struct gdb_session *s, const enum gdb_action action[CPU_MAX_HARTS]);
void gdb_report_stop(struct gdb_session *s);
/* Forgets all points; all harts go on. */
void gdb_detach(struct gdb_session *s);

/* ---- command.c ---- */

/* Answers one packet; data[len] is 0. The harts stand still. */
void gdb_command(struct gdb_session *s, const char *data, size_t len);

/* ---- memory.c ---- */

/* Virtual addresses of the chosen hart: how many bytes could be read or written, from the first on.
 * Device registers cannot. */
size_t gdb_memory_read(struct gdb_session *s, uint64_t va, void *buf, size_t n);
size_t gdb_memory_write(struct gdb_session *s, uint64_t va, const void *buf, size_t n);

/* ---- query.c ---- */

/* Packets that begin with q, and Q. */
void gdb_query(struct gdb_session *s, const char *data, size_t len);
void gdb_set(struct gdb_session *s, const char *data);
/* A thread's number: true with *hart, CPU_MAX_HARTS for any or all. */
bool gdb_get_thread(const struct gdb_session *s, const char **p, unsigned *hart);

/* ---- monitor.c ---- */

void gdb_monitor(struct gdb_session *s, const char *command);

/* ---- regs.c ---- */

/* A register by gdb's number. Bytes of it, 0 when there is none. */
unsigned gdb_reg_read(struct gdb_session *s, unsigned num, uint64_t *value);
/* 0 or an error of the protocol. */
unsigned gdb_reg_write(struct gdb_session *s, unsigned num, uint64_t value);
unsigned gdb_reg_size(unsigned num);
#define GDB_REG_PC   32u
#define GDB_N_PACKET 33u /* registers of the packet g: x0 to x31 and pc */

/* Builds s->xml. 0 or -ENOMEM. */
int gdb_describe(struct gdb_session *s);

#endif
