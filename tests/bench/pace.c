/* SPDX-License-Identifier: MIT */
/* The work is what translators make of integer loops: short chains of arithmetic, loads whose
 * addresses were just computed, stores, and a branch that is hard to foretell. */
#include "pace.h"

#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PIECE 20000 /* rounds; some 60 us */
#define TABLE 4096u

struct shared {
	_Atomic uint64_t pieces;
	_Atomic uint64_t sum; /* so that the work is not left out */
};

struct pace {
	struct shared *shared;
	pid_t pid;
	clockid_t clock;
	cpu_set_t cpu;
};

static uint64_t piece(uint32_t table[TABLE], uint64_t sum)
{
	uint64_t a = 1, b = sum | 1;
	uint32_t i = 0, k = 7;

	for (uint32_t r = 0; r < PIECE; r++) {
		i = table[(i + r) % TABLE];
		k = table[(k ^ r) % TABLE];
		a = a * 3 + i;
		b ^= b << 7;
		b ^= b >> 9;
		sum += a ^ b;
		if ((sum & 7) == 3)
			sum += k;
		table[r % TABLE] = (table[r % TABLE] + (uint32_t)(sum & 1)) % TABLE;
	}
	return sum;
}

__attribute__((noreturn)) static void work(struct shared *s)
{
	static uint32_t table[TABLE];
	uint64_t sum = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (uint32_t i = 0; i < TABLE; i++)
		table[i] = i * 2654435761u >> 20;
	for (;;) {
		sum = piece(table, sum);
		atomic_store(&s->sum, sum);
		atomic_fetch_add(&s->pieces, 1);
	}
}

/* The last of the CPUs that this process may use, where interrupts are fewer. */
static int choose_cpu(cpu_set_t *set)
{
	int last = -1;

	if (sched_getaffinity(0, sizeof(*set), set))
		return -1;
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, set))
			last = i;
	CPU_ZERO(set);
	CPU_SET(last, set);
	return 0;
}

struct pace *pace_start(void)
{
	struct pace *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->shared = mmap(NULL, sizeof(*p->shared), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p->shared == MAP_FAILED)
		goto fail;
	if (choose_cpu(&p->cpu))
		goto fail_shared;
	p->pid = fork();
	if (!p->pid) {
		if (pace_follow(p))
			_exit(1);
		work(p->shared);
	}
	if (p->pid > 0 && !clock_getcpuclockid(p->pid, &p->clock))
		return p;
fail_shared:
	munmap(p->shared, sizeof(*p->shared));
fail:
	free(p);
	return NULL;
}

void pace_stop(struct pace *p)
{
	if (!p)
		return;
	kill(p->pid, SIGKILL);
	waitpid(p->pid, NULL, 0);
	munmap(p->shared, sizeof(*p->shared));
	free(p);
}

int pace_follow(const struct pace *p)
{
	return sched_setaffinity(0, sizeof(p->cpu), &p->cpu);
}

struct pace_mark pace_now(const struct pace *p)
{
	struct timespec t = {0};

	(void)clock_gettime(p->clock, &t); /* the process is there until stop() */
	return (struct pace_mark){.pieces = (double)atomic_load(&p->shared->pieces),
				  .seconds = (double)t.tv_sec + (double)t.tv_nsec / 1e9};
}

double pace_since(const struct pace *p, struct pace_mark then)
{
	struct pace_mark now = pace_now(p);

	if (now.pieces - then.pieces < 1) /* too soon to tell: as it was all the time */
		then = (struct pace_mark){0};
	return (now.pieces - then.pieces) / (now.seconds - then.seconds);
}
