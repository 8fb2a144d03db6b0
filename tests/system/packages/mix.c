/* SPDX-License-Identifier: MIT */
/*
 * What a compiled program may ask of a CPU and of Linux, a line for each: integers, floating point
 * with rounding modes and flags, threads, processes, signals. The output is the same on each
 * machine with 64-bit IEEE arithmetic, if the compiler does not fuse multiplications with
 * additions (-ffp-contract=off).
 */
#include <fenv.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 4
#define ROUNDS  20000

static uint64_t state = 88172645463325252u;

static uint64_t random_next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* A double of a random exponent near 1. */
static double random_double(void)
{
	double mantissa = (double)(random_next() >> 11) + 1.0;

	return ldexp(mantissa, (int)(random_next() % 40) - 70);
}

static uint64_t fold(uint64_t sum, uint64_t value)
{
	return (sum ^ value) * 0x100000001b3u + (sum >> 29);
}

static uint64_t bits(double value)
{
	uint64_t u;

	memcpy(&u, &value, sizeof(u));
	return u;
}

static void integers(void)
{
	uint64_t sum = 0;

	for (int i = 0; i < 200000; i++) {
		uint64_t a = random_next();
		uint64_t b = random_next() >> (a & 63) | 1;
		unsigned __int128 wide = (unsigned __int128)a * b;

		sum = fold(sum, (uint64_t)(wide >> 64) + a / b + a % b);
		sum = fold(sum, (uint64_t)((int64_t)a / (int64_t)(b | 2)) +
					(uint32_t)a / (uint32_t)(b | 4));
		sum = fold(sum, (uint64_t)((int64_t)a >> (b & 63)) + (a << (b & 31)));
		sum = fold(sum, (uint64_t)__builtin_popcountll(a) + (uint64_t)__builtin_clzll(b));
	}
	printf("integers %016llx\n", (unsigned long long)sum);
}

static void doubles(const char *name, int mode)
{
	uint64_t sum = 0;

	fesetround(mode);
	feclearexcept(FE_ALL_EXCEPT);
	for (int i = 0; i < 50000; i++) {
		double a = random_double();
		double b = random_double();
		double c = random_double();

		sum = fold(sum, bits(a * b + c));
		sum = fold(sum, bits(a / b - c));
		sum = fold(sum, bits(sqrt(a) - fma(a, b, -c)));
		sum = fold(sum, bits((double)((float)a / (float)b)));
		sum = fold(sum, (uint64_t)llrint(a * 1e9) + (uint64_t)(int64_t)(b * 1e9));
		sum = fold(sum, (uint64_t)(a < b) + (uint64_t)(b <= c) * 2);
	}
	printf("doubles %s %016llx inexact %d\n", name, (unsigned long long)sum,
	       fetestexcept(FE_INEXACT) != 0);
	fesetround(FE_TONEAREST);
}

static void flags(void)
{
	static const double values[] = {0, 1, -1, 3, 1e308, -1e-308, 5e-324, INFINITY, -INFINITY};
	size_t count = sizeof(values) / sizeof(values[0]);
	uint64_t sum = 0;

	for (size_t i = 0; i < count * count; i++) {
		volatile double a = values[i / count], b = values[i % count], result[4];
		int raised = 0;

		feclearexcept(FE_ALL_EXCEPT);
		result[0] = a + b;
		result[1] = a * b;
		result[2] = a / b;
		result[3] = a - b;
		for (int k = 0; k < 4; k++) /* the sign of a NaN differs between machines */
			sum = fold(sum, isnan(result[k]) ? 1 : bits(result[k]));
		raised += fetestexcept(FE_INVALID) ? 1 : 0;
		raised += fetestexcept(FE_DIVBYZERO) ? 2 : 0;
		raised += fetestexcept(FE_OVERFLOW) ? 4 : 0;
		raised += fetestexcept(FE_UNDERFLOW) ? 8 : 0;
		raised += fetestexcept(FE_INEXACT) ? 16 : 0;
		sum = fold(sum, (uint64_t)raised);
	}
	printf("flags %016llx\n", (unsigned long long)sum);
}

static void matrix(void)
{
	enum { N = 60 };
	static double a[N][N], b[N][N], c[N][N];
	uint64_t sum = 0;

	for (int i = 0; i < N * N; i++) {
		a[i / N][i % N] = random_double();
		b[i % N][i / N] = random_double();
	}
	for (int i = 0; i < N; i++)
		for (int j = 0; j < N; j++)
			for (int k = 0; k < N; k++)
				c[i][j] += a[i][k] * b[k][j];
	for (int i = 0; i < N * N; i++)
		sum = fold(sum, bits(c[i / N][i % N]));
	printf("matrix %016llx %a\n", (unsigned long long)sum, c[7][11]);
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turned = PTHREAD_COND_INITIALIZER;
static unsigned turn;
static uint64_t locked_count, ordered;
static _Atomic uint64_t atomic_count;
static _Atomic uint8_t atomic_byte;

static void *thread(void *arg)
{
	unsigned self = *(unsigned *)arg;

	for (int i = 0; i < ROUNDS; i++) {
		pthread_mutex_lock(&lock);
		locked_count += self;
		pthread_mutex_unlock(&lock);
		atomic_fetch_add(&atomic_count, self + 1);
		atomic_fetch_xor(&atomic_byte, (uint8_t)(i + (int)self));
	}
	for (int i = 0; i < 200; i++) {
		pthread_mutex_lock(&lock);
		while (turn != self)
			pthread_cond_wait(&turned, &lock);
		ordered = fold(ordered, self);
		turn = (turn + 1) % THREADS;
		pthread_cond_broadcast(&turned);
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

static void threads(void)
{
	pthread_t ids[THREADS];
	unsigned numbers[THREADS];

	for (unsigned i = 0; i < THREADS; i++) {
		numbers[i] = i;
		if (pthread_create(&ids[i], NULL, thread, &numbers[i]))
			exit(2);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(ids[i], NULL);
	printf("threads %llu %llu %u %016llx\n", (unsigned long long)locked_count,
	       (unsigned long long)atomic_count, atomic_byte, (unsigned long long)ordered);
}

static sigjmp_buf back;

static void on_fault(int sig)
{
	siglongjmp(back, sig);
}

static void faults(void)
{
	uint8_t *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			     0);
	volatile int caught = 0;

	if (page == MAP_FAILED)
		exit(2);
	signal(SIGSEGV, on_fault);
	for (volatile int i = 0; i < 500; i++) {
		mprotect(page, 4096, i % 2 ? PROT_READ : PROT_READ | PROT_WRITE);
		if (sigsetjmp(back, 1))
			caught++;
		else
			*(volatile uint8_t *)page = (uint8_t)i;
	}
	printf("faults %d %d\n", caught, page[0]);
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void sorting(void)
{
	enum { N = 30000 };
	uint64_t *values = malloc(N * sizeof(*values)), sum = 0;

	if (!values)
		exit(2);
	for (int i = 0; i < N; i++)
		values[i] = random_next();
	qsort(values, N, sizeof(*values), compare);
	for (int i = 0; i < N; i++)
		sum = fold(sum, values[i]);
	free(values);
	printf("sorting %016llx\n", (unsigned long long)sum);
}

/* Children hand a number on through pipes. */
static void processes(void)
{
	int from = -1, fds[2];
	uint64_t number = 1;

	fflush(stdout);
	for (unsigned i = 0; i < 20; i++) {
		if (pipe(fds) < 0)
			exit(2);
		pid_t pid = fork();
		if (pid == 0) {
			if (from >= 0 && read(from, &number, sizeof(number)) != sizeof(number))
				_exit(1);
			number = number * 3 + i;
			_exit(write(fds[1], &number, sizeof(number)) != sizeof(number));
		}
		close(fds[1]);
		if (from >= 0)
			close(from);
		from = fds[0];
	}
	if (read(from, &number, sizeof(number)) != sizeof(number))
		exit(2);
	for (int status; wait(&status) > 0;)
		if (status)
			exit(2);
	printf("processes %llu\n", (unsigned long long)number);
}

int main(void)
{
	integers();
	doubles("nearest", FE_TONEAREST);
	doubles("zero", FE_TOWARDZERO);
	doubles("up", FE_UPWARD);
	doubles("down", FE_DOWNWARD);
	flags();
	matrix();
	threads();
	faults();
	sorting();
	processes();
	return 0;
}
