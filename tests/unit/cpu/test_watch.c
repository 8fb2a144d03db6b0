/* SPDX-License-Identifier: MIT */
/* What the translator tells about its code: the choice of blocks, the map for perf, faults. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/sig.h"
#include "cpu/rv64/jit/native.h"
#include "cpu/rv64/jit/record.h"
#include "cpu/watch.h"
#include "interp_rig.h"

#define MAX_LINES 100

struct text {
	char *s;
	size_t len;
	FILE *f;
};

static void text_open(struct text *t)
{
	t->f = open_memstream(&t->s, &t->len);
	assert_non_null(t->f);
}

static struct rig *run(struct cpu_watch *w)
{
	struct rig_config cfg = {.n_harts = 1, .in_turns = true, .watch = w};
	struct rig *r = rig_new(&cfg);

	rig_load(r, "watch");
	rig_run(r, 0, RAM);
	return r;
}

static struct rv64_jit *jit_of(const struct rig *r)
{
	return interp_of(rv64_hart_of(r->cpu[0]))->jit;
}

static unsigned count(const char *s, const char *what)
{
	unsigned n = 0;

	for (; (s = strstr(s, what)); s++)
		n++;
	return n;
}

static unsigned blocks_dumped(uint64_t from, uint64_t to, uint64_t blocks)
{
	struct cpu_watch w = {.from = from, .to = to, .left = blocks};
	struct text t;
	unsigned n;

	text_open(&t);
	w.dump = t.f;
	rig_free(run(&w));
	assert_int_equal(fclose(t.f), 0);
	n = count(t.s, "block at pc ");
	assert_int_equal(n, count(t.s, "host code: "));
	free(t.s);
	return n;
}

static void dump_choice(void **state)
{
	unsigned all = blocks_dumped(0, UINT64_MAX, UINT64_MAX);

	assert_true(all > 5);
	assert_int_equal(blocks_dumped(0, UINT64_MAX, 2), 2);
	assert_int_equal(blocks_dumped(RAM + 1, UINT64_MAX, UINT64_MAX), all - 1);
	assert_int_equal(blocks_dumped(RAM, RAM, UINT64_MAX), 1);
	assert_int_equal(blocks_dumped(0, RAM - 1, UINT64_MAX), 0);
}

/* Lines in the order of their addresses, all within the memory for code, none over another. */
static void perf_map(void **state)
{
	struct cpu_watch w = {0};
	unsigned long long start, size, end = 0;
	const struct jit_cache *m;
	unsigned lines = 0;
	struct text t;
	struct rig *r;
	char name[64];
	int used;

	text_open(&t);
	w.map = t.f;
	r = run(&w);
	m = &jit_of(r)->cache;
	assert_int_equal(fclose(t.f), 0);
	for (const char *s = t.s; sscanf(s, "%llx %llx %63s%n", &start, &size, name, &used) == 3;
	     s += used + 1) {
		assert_true(start >= end && start >= (uintptr_t)m->exec);
		end = start + size;
		assert_true(end <= (uintptr_t)m->exec + m->used);
		assert_int_equal(!strncmp(name, "guest:M:0x8000", 14), lines > 0);
		lines++;
	}
	assert_int_equal(end, (uintptr_t)m->exec + m->used);
	assert_int_equal(lines, count(t.s, "\n"));
	assert_int_equal(lines, 1 + blocks_dumped(0, UINT64_MAX, UINT64_MAX));
	assert_non_null(strstr(t.s, " guest:M:0x80000000\n"));
	free(t.s);
	rig_free(r);
}

/* The code of the block at a physical address. */
static uint8_t *code_at(const struct rv64_jit *j, uint64_t pa)
{
	size_t at = j->glue_end;

	while (at < j->cache.used) {
		const struct jit_record *r = (const void *)(j->cache.write + at);

		at += sizeof(*r);
		if (r->pa == pa)
			return j->cache.write + at;
		at += r->size;
	}
	_exit(1); /* in a child */
}

/* In a child: the block at RAM, or glue, begins with these bytes when it runs again. */
static void run_poisoned(const void *bytes, size_t n, bool glue)
{
	const struct rlimit no_core = {0};
	struct rig_config cfg = {.n_harts = 1, .in_turns = true};
	struct cpu_regs regs = {.pc = RAM, .priv = 3};
	struct rig *r = rig_new(&cfg);
	struct rv64_jit *j = jit_of(r);

	setrlimit(RLIMIT_CORE, &no_core);
	signal(SIGSEGV, SIG_DFL); /* not a sanitizer's */
	signal(SIGILL, SIG_DFL);
	sig_on_fault(cpu_report_fault, r->vm);
	rig_load(r, "watch");
	r->engine->start(r->cpu[0], RAM, 0);
	r->engine->run(r->cpu[0], 1);
	memcpy(glue ? j->cache.write : code_at(j, RAM), bytes, n);
	r->engine->set_regs(r->cpu[0], &regs);
	r->engine->run(r->cpu[0], 1);
	_exit(0);
}

static int status_of_child(const void *bytes, size_t n, bool glue, char *err, size_t size)
{
	size_t len = 0;
	int fd[2], status;
	ssize_t got;
	pid_t pid;

	assert_int_equal(pipe(fd), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		dup2(fd[1], STDERR_FILENO);
		run_poisoned(bytes, n, glue);
	}
	close(fd[1]);
	while ((got = read(fd[0], err + len, size - 1 - len)) > 0)
		len += (size_t)got;
	err[len] = '\0';
	close(fd[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void faults(void **state)
{
	static const uint8_t ud2[] = {0x0f, 0x0b};
	static const uint8_t load_0x10[] = {0x48, 0x8b, 0x04, 0x25, 0x10, 0, 0, 0};
	char err[1000];
	int status;

	status = status_of_child(ud2, sizeof(ud2), false, err, sizeof(err));
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGILL);
	assert_non_null(strstr(err, "linnet: generated code: signal 0x4 at host address 0x"));
	assert_non_null(strstr(err, "linnet: guest pc 0x80000000 (physical 0x80000000), hart 0x0"));
	assert_non_null(strstr(err, "host code at +0x0 of 0x"));
	assert_non_null(strstr(err, ": 0f 0b "));

	status = status_of_child(load_0x10, sizeof(load_0x10), false, err, sizeof(err));
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSEGV);
	assert_non_null(strstr(err, "it concerns 0x10\n"));
	assert_non_null(strstr(err, "guest pc 0x80000000"));

	status = status_of_child(ud2, sizeof(ud2), true, err, sizeof(err));
	assert_true(WIFSIGNALED(status));
	assert_non_null(strstr(err, "between blocks: 0f 0b"));
}

/* A fault elsewhere is not the translator's. */
static void fault_elsewhere(void **state)
{
	struct rig *r = run(NULL);
	struct cpu_place place;

	assert_false(r->engine->find_code(r->vm, (uintptr_t)&fault_elsewhere, &place));
	assert_false(r->engine->find_code(r->vm, 0, &place));
	assert_true(r->engine->find_code(r->vm, (uintptr_t)jit_of(r)->cache.exec, &place));
	assert_int_equal(place.n, 0);
	rig_free(r);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dump_choice),
		cmocka_unit_test(perf_map),
		cmocka_unit_test(faults),
		cmocka_unit_test(fault_elsewhere),
	};

	rig_args(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
