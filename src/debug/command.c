/* SPDX-License-Identifier: MIT */
/*
 * The packets that read, change and run: one function each, found by their first letter. What is
 * not known gets the empty answer, as the protocol wants it. Arguments are text, except for X.
 */
#include <string.h>

#include "base/bits.h"
#include "debug/private.h"

/* What fits into an answer of two digits a byte. */
#define READ_MAX (GDB_PACKET_MAX / 2)

#define WATCH_MAX 0x100000u /* bytes */

/* ---- registers ---- */

static void cmd_read_registers(struct gdb_session *s, const char *args, size_t len)
{
	gdb_begin(&s->out);
	for (unsigned i = 0; i < GDB_N_PACKET; i++) {
		uint64_t value = 0;
		unsigned size = gdb_reg_read(s, i, &value);

		gdb_put_hex(&s->out, &value, size);
	}
	gdb_end(&s->out);
}

static void cmd_write_registers(struct gdb_session *s, const char *args, size_t len)
{
	uint64_t value[GDB_N_PACKET];

	for (unsigned i = 0; i < GDB_N_PACKET; i++) {
		if (!gdb_get_bytes(&args, &value[i], sizeof(value[i]))) {
			gdb_error(s, GDB_E_ARGS);
			return;
		}
	}
	for (unsigned i = 0; i < GDB_N_PACKET; i++)
		gdb_reg_write(s, i, value[i]);
	gdb_answer(s, "OK");
}

static void cmd_read_register(struct gdb_session *s, const char *args, size_t len)
{
	uint64_t num, value = 0;
	unsigned size = 0;

	if (gdb_get_number(&args, &num) && num <= UINT32_MAX)
		size = gdb_reg_read(s, (unsigned)num, &value);
	if (!size) {
		gdb_error(s, GDB_E_ARGS);
		return;
	}
	gdb_begin(&s->out);
	gdb_put_hex(&s->out, &value, size);
	gdb_end(&s->out);
}

static void cmd_write_register(struct gdb_session *s, const char *args, size_t len)
{
	uint64_t num, value = 0;
	unsigned error = GDB_E_ARGS;

	if (gdb_get_number(&args, &num) && num <= UINT32_MAX && *args++ == '=' &&
	    gdb_get_bytes(&args, &value, gdb_reg_size((unsigned)num)))
		error = gdb_reg_write(s, (unsigned)num, value);
	if (error)
		gdb_error(s, error);
	else
		gdb_answer(s, "OK");
}

/* ---- memory ---- */

/* "ADDR,LENGTH" */
static bool get_range(const char **args, uint64_t *va, uint64_t *n)
{
	return gdb_get_number(args, va) && *(*args)++ == ',' && gdb_get_number(args, n);
}

static void cmd_read_memory(struct gdb_session *s, const char *args, size_t len)
{
	uint8_t buf[READ_MAX];
	uint64_t va, n;
	size_t got;

	if (!get_range(&args, &va, &n)) {
		gdb_error(s, GDB_E_ARGS);
		return;
	}
	got = gdb_memory_read(s, va, buf, min_u64(n, READ_MAX));
	if (n && !got) {
		gdb_error(s, GDB_E_FAULT);
		return;
	}
	gdb_begin(&s->out);
	gdb_put_hex(&s->out, buf, got);
	gdb_end(&s->out);
}

static void write_memory(struct gdb_session *s, uint64_t va, const void *bytes, size_t n)
{
	if (gdb_memory_write(s, va, bytes, n) == n)
		gdb_answer(s, "OK");
	else
		gdb_error(s, GDB_E_FAULT);
}

static void cmd_write_memory(struct gdb_session *s, const char *args, size_t len)
{
	uint8_t buf[READ_MAX];
	uint64_t va, n;

	if (get_range(&args, &va, &n) && *args++ == ':' && n <= READ_MAX &&
	    gdb_get_bytes(&args, buf, n))
		write_memory(s, va, buf, n);
	else
		gdb_error(s, GDB_E_ARGS);
}

static void cmd_write_binary(struct gdb_session *s, const char *args, size_t len)
{
	const char *end = args + len;
	uint64_t va, n;

	if (get_range(&args, &va, &n) && *args++ == ':' && n == (size_t)(end - args))
		write_memory(s, va, args, n);
	else
		gdb_error(s, GDB_E_ARGS);
}

/* ---- points ---- */

/* "TYPE,ADDR,KIND". Without a length that makes sense, false. */
static bool get_point(const char *args, struct cpu_point *p)
{
	static const uint8_t kinds[] = {CPU_POINT_BREAK, CPU_POINT_BREAK, CPU_POINT_WRITE,
					CPU_POINT_READ, CPU_POINT_ACCESS};
	uint64_t type;

	if (!gdb_get_number(&args, &type) || type >= ARRAY_SIZE(kinds) || *args++ != ',' ||
	    !get_range(&args, &p->addr, &p->len))
		return false;
	p->kind = (enum cpu_point_kind)kinds[type];
	if (p->kind == CPU_POINT_BREAK) {
		p->len = 1;
		return !(p->addr & 1);
	}
	return p->len >= 1 && p->len <= WATCH_MAX;
}

/* Its place in the list, or the end. */
static unsigned find_point(const struct gdb_session *s, const struct cpu_point *p)
{
	unsigned i = 0;

	while (i < s->n_points && (s->point[i].kind != p->kind || s->point[i].addr != p->addr ||
				   s->point[i].len != p->len))
		i++;
	return i;
}

/* They come into force when harts go on: gdb takes all of them out at each stop. */
static void cmd_insert(struct gdb_session *s, const char *args, size_t len)
{
	struct cpu_point p;
	unsigned i;

	if (!get_point(args, &p)) {
		gdb_error(s, GDB_E_ARGS);
		return;
	}
	i = find_point(s, &p);
	if (i == CPU_MAX_POINTS) {
		gdb_error(s, GDB_E_SPACE);
		return;
	}
	s->point[i] = p;
	if (i == s->n_points)
		s->n_points++;
	gdb_answer(s, "OK");
}

static void cmd_remove(struct gdb_session *s, const char *args, size_t len)
{
	struct cpu_point p;
	unsigned i;

	if (!get_point(args, &p)) {
		gdb_error(s, GDB_E_ARGS);
		return;
	}
	i = find_point(s, &p);
	if (i < s->n_points)
		s->point[i] = s->point[--s->n_points];
	gdb_answer(s, "OK");
}

/* ---- threads and running ---- */

static void cmd_select(struct gdb_session *s, const char *args, size_t len)
{
	char what = *args ? *args++ : 0;
	unsigned hart;

	if ((what != 'g' && what != 'c') || !gdb_get_thread(s, &args, &hart)) {
		gdb_error(s, GDB_E_ARGS);
		return;
	}
	if (what == 'c')
		s->run_hart = hart;
	else
		s->hart = hart == CPU_MAX_HARTS ? s->stop_hart : hart;
	gdb_answer(s, "OK");
}

static void cmd_alive(struct gdb_session *s, const char *args, size_t len)
{
	unsigned hart;

	if (gdb_get_thread(s, &args, &hart) && hart < CPU_MAX_HARTS)
		gdb_answer(s, "OK");
	else
		gdb_error(s, GDB_E_ARGS);
}

static void cmd_why(struct gdb_session *s, const char *args, size_t len)
{
	gdb_report_stop(s);
}

/* `c`, `s` with an address, `C`, `S` with a signal that no guest takes: the harts that Hc chose. */
static void run_old(struct gdb_session *s, const char *args, enum gdb_action action)
{
	enum gdb_action actions[CPU_MAX_HARTS] = {GDB_STAY};
	uint64_t pc;

	s->hart = s->run_hart < CPU_MAX_HARTS ? s->run_hart : s->stop_hart;
	if (*args && gdb_get_number(&args, &pc))
		gdb_reg_write(s, GDB_REG_PC, pc);
	for (unsigned i = 0; i < CPU_MAX_HARTS; i++) {
		if (s->run_hart == CPU_MAX_HARTS || i == s->hart)
			actions[i] = i == s->hart ? action : GDB_CONTINUE;
	}
	gdb_resume(s, actions);
}

static void cmd_continue(struct gdb_session *s, const char *args, size_t len)
{
	run_old(s, args, GDB_CONTINUE);
}

static void cmd_step(struct gdb_session *s, const char *args, size_t len)
{
	run_old(s, args, GDB_STEP);
}

static void cmd_continue_signal(struct gdb_session *s, const char *args, size_t len)
{
	const char *address = strchr(args, ';');

	run_old(s, address ? address + 1 : "", GDB_CONTINUE);
}

static void cmd_step_signal(struct gdb_session *s, const char *args, size_t len)
{
	const char *address = strchr(args, ';');

	run_old(s, address ? address + 1 : "", GDB_STEP);
}

/* One of ";ACTION[:THREAD]": the first that names a hart, or all, counts for it. */
static bool get_action(const struct gdb_session *s, const char **args,
		       enum gdb_action actions[CPU_MAX_HARTS])
{
	const char letter = **args ? *(*args)++ : 0;
	enum gdb_action action;
	unsigned hart = CPU_MAX_HARTS;
	uint64_t signal;

	if (!strchr("cCsS", letter) || !letter)
		return false;
	action = letter == 'c' || letter == 'C' ? GDB_CONTINUE : GDB_STEP;
	if ((letter == 'C' || letter == 'S') && !gdb_get_number(args, &signal))
		return false;
	if (**args == ':') {
		(*args)++;
		if (!gdb_get_thread(s, args, &hart))
			return false;
	}
	for (unsigned i = 0; i < gdb_n_harts(s); i++)
		if (actions[i] == GDB_STAY && (hart == CPU_MAX_HARTS || hart == i))
			actions[i] = action;
	return true;
}

static void cont(struct gdb_session *s, const char *args)
{
	enum gdb_action actions[CPU_MAX_HARTS] = {GDB_STAY};

	while (*args == ';') {
		args++;
		if (!get_action(s, &args, actions))
			break;
	}
	if (*args)
		gdb_error(s, GDB_E_ARGS);
	else
		gdb_resume(s, actions);
}

static void cmd_v(struct gdb_session *s, const char *args, size_t len)
{
	if (!strcmp(args, "Cont?")) {
		gdb_answer(s, "vCont;c;C;s;S");
	} else if (!strncmp(args, "Cont;", 5)) {
		cont(s, args + 4);
	} else if (!strncmp(args, "Kill;", 5)) {
		gdb_answer(s, "OK");
		s->target->kill(s->target->arg);
	} else {
		gdb_answer(s, "");
	}
}

static void cmd_detach(struct gdb_session *s, const char *args, size_t len)
{
	gdb_answer(s, "OK");
	gdb_detach(s);
}

static void cmd_kill(struct gdb_session *s, const char *args, size_t len)
{
	s->target->kill(s->target->arg);
}

static void cmd_q(struct gdb_session *s, const char *args, size_t len)
{
	gdb_query(s, args, len);
}

static void cmd_set(struct gdb_session *s, const char *args, size_t len)
{
	gdb_set(s, args);
}

void gdb_command(struct gdb_session *s, const char *data, size_t len)
{
	static const struct {
		char letter;
		void (*fn)(struct gdb_session *s, const char *args, size_t len);
	} commands[] = {
		{'?', cmd_why},
		{'c', cmd_continue},
		{'C', cmd_continue_signal},
		{'D', cmd_detach},
		{'g', cmd_read_registers},
		{'G', cmd_write_registers},
		{'H', cmd_select},
		{'k', cmd_kill},
		{'m', cmd_read_memory},
		{'M', cmd_write_memory},
		{'p', cmd_read_register},
		{'P', cmd_write_register},
		{'q', cmd_q},
		{'Q', cmd_set},
		{'s', cmd_step},
		{'S', cmd_step_signal},
		{'T', cmd_alive},
		{'v', cmd_v},
		{'X', cmd_write_binary},
		{'z', cmd_remove},
		{'Z', cmd_insert},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++) {
		if (len && data[0] == commands[i].letter) {
			commands[i].fn(s, data + 1, len - 1);
			return;
		}
	}
	gdb_answer(s, "");
}
