/* SPDX-License-Identifier: MIT */
/*
 * What a guest does in a benchmark. One static program for riscv64 and for the host: it runs the
 * loads that it is given by name, with a mark on standard output before and after each. As process
 * 1 of a kernel it powers off at the end.
 *
 *	loads [port=N] NAME[=ROUNDS]...
 *
 * A load keeps one part of an engine busy; its result depends on everything it computed, so that
 * two engines can be compared.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "loads.h"

/* ---- integers ---- */

struct node {
	struct node *next;
	int key;
	int value;
};

static unsigned crc16(unsigned crc, unsigned v)
{
	for (int i = 0; i < 16; i++) {
		unsigned bit = (v ^ crc) & 1;

		crc >>= 1;
		if (bit)
			crc ^= 0xa001;
		v >>= 1;
	}
	return crc;
}

static struct node *list_reverse(struct node *l)
{
	struct node *r = NULL;

	while (l) {
		struct node *next = l->next;

		l->next = r;
		r = l;
		l = next;
	}
	return r;
}

enum text_state { START, INT, FRACTION, WORD, OTHER, N_TEXT_STATES };

static int is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int is_letter(char c)
{
	return c >= 'a' && c <= 'z';
}

static enum text_state text_step(enum text_state state, char c)
{
	enum text_state otherwise = c == ' ' ? START : OTHER;

	switch (state) {
	case START:
		if (is_digit(c))
			return INT;
		return is_letter(c) ? WORD : otherwise;
	case INT:
		if (c == '.')
			return FRACTION;
		return is_digit(c) ? INT : otherwise;
	case FRACTION: return is_digit(c) ? FRACTION : otherwise;
	case WORD: return is_letter(c) ? WORD : otherwise;
	default: return otherwise;
	}
}

/* A state machine over text: counts numbers, words and the rest. */
static unsigned scan(const char *s)
{
	enum text_state state = START;
	unsigned count[N_TEXT_STATES] = {0};

	for (; *s; s++) {
		state = text_step(state, *s);
		count[state]++;
	}
	return count[0] + 3 * count[1] + 5 * count[2] + 7 * count[3] + 11 * count[4];
}

/* Lists, matrices, a state machine and a checksum, as CoreMark has them. */
static uint64_t mix(unsigned rounds)
{
	static struct node nodes[400];
	static int16_t a[24][24], b[24][24];
	static int32_t c[24][24];
	static const char text[] =
		"12 word 3.25 other! 77 some more text 0.125 x9 end 5012 +7 list of 1.5 things";
	struct node *list = NULL;
	unsigned crc = 0;

	for (int i = 0; i < 400; i++) {
		nodes[i] = (struct node){list, i * 37 % 401, i};
		list = &nodes[i];
	}
	for (int i = 0; i < 24 * 24; i++) {
		a[i / 24][i % 24] = (int16_t)(i % 17);
		b[i / 24][i % 24] = (int16_t)(i % 23 - 11);
	}
	for (unsigned r = 0; r < rounds; r++) {
		int sum = 0;

		list = list_reverse(list);
		for (const struct node *n = list; n; n = n->next)
			sum += n->key > (int)(r & 255) ? n->value : -n->key;
		for (int i = 0; i < 24; i++)
			for (int j = 0; j < 24; j++) {
				int32_t s = 0;

				for (int k = 0; k < 24; k++)
					s += a[i][k] * b[k][j];
				c[i][j] = s;
			}
		crc = crc16(crc, (unsigned)sum);
		crc = crc16(crc, (unsigned)c[r % 24][r / 24 % 24]);
		for (int i = 0; i < 8; i++)
			crc = crc16(crc, scan(text + i));
		a[r % 24][r % 7] ^= 1;
	}
	return crc;
}

static int by_value(const void *x, const void *y)
{
	int a = *(const int *)x, b = *(const int *)y;

	return (a > b) - (a < b);
}

static uint64_t sort(unsigned rounds)
{
	enum { N = 200000 };
	static int v[N];
	uint64_t sum = 0;

	for (unsigned r = 0; r < rounds; r++) {
		for (int i = 0; i < N; i++)
			v[i] = (int)random_next();
		qsort(v, N, sizeof(v[0]), by_value);
		sum += (uint64_t)v[r % N];
	}
	return sum;
}

static uint32_t rotate(uint32_t x, int n)
{
	return x >> n | x << (32 - n);
}

/* The compression function of SHA-256, with constants of its own. */
static uint64_t sha(unsigned rounds)
{
	uint32_t h[8] = {1, 2, 3, 4, 5, 6, 7, 8}, w[64];

	for (unsigned r = 0; r < rounds * 1000; r++) {
		uint32_t s[8];

		for (int i = 0; i < 16; i++)
			w[i] = (uint32_t)i * 0x9e3779b9u + r;
		for (int i = 16; i < 64; i++)
			w[i] = w[i - 16] + w[i - 7] +
			       (rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3) +
			       (rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10);
		memcpy(s, h, sizeof(s));
		for (int i = 0; i < 64; i++) {
			uint32_t t1 = s[7] +
				      (rotate(s[4], 6) ^ rotate(s[4], 11) ^ rotate(s[4], 25)) +
				      ((s[4] & s[5]) ^ (~s[4] & s[6])) + w[i] + (uint32_t)i;
			uint32_t t2 = (rotate(s[0], 2) ^ rotate(s[0], 13) ^ rotate(s[0], 22)) +
				      ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));

			memmove(s + 1, s, 28);
			s[4] += t1;
			s[0] = t1 + t2;
		}
		for (int i = 0; i < 8; i++)
			h[i] += s[i];
	}
	return (uint64_t)h[0] << 32 | h[7];
}

static uint64_t chase(unsigned rounds)
{
	enum { N = 4 << 20 };
	uint32_t *next = malloc(N * sizeof(*next));
	uint32_t at = 0;

	for (uint32_t i = 0; i < N; i++)
		next[i] = i;
	for (uint32_t i = N - 1; i; i--) {
		uint32_t j = (uint32_t)(random_next() % i), t = next[i];

		next[i] = next[j];
		next[j] = t;
	}
	for (unsigned r = 0; r < rounds * 100000; r++)
		at = next[at];
	free(next);
	return at;
}

/* A machine with a stack and byte codes; labels as values, so each operation jumps indirectly. */
static uint64_t bytecode(unsigned rounds)
{
	static const uint8_t program[] = {0, 1, 2, 3, 1, 4, 2, 5, 3, 0, 1, 5, 2, 4, 1, 3, 6};
	static const void *const labels[] = {&&inc, &&dup, &&add, &&xor_, &&swap, &&shift, &&loop};
	uint64_t a = 1, b = 2, left = rounds * 100000ull;
	const uint8_t *p = program;

#define NEXT goto *labels[*p++]
	NEXT;
inc:
	a++;
	NEXT;
dup:
	b = a;
	NEXT;
add:
	a += b;
	NEXT;
xor_:
	a ^= b << 1;
	NEXT;
swap:
	a ^= b;
	b ^= a;
	a ^= b;
	NEXT;
shift:
	a = a >> 3 | b << 61;
	NEXT;
loop:
	p = program;
	if (--left)
		NEXT;
#undef NEXT
	return a ^ b;
}

__attribute__((noinline)) static uint64_t fib(unsigned n)
{
	if (n < 2)
		return n;
	__asm__ volatile(""); /* no clever rewriting */
	return fib(n - 1) + fib(n - 2);
}

static uint64_t calls(unsigned rounds)
{
	uint64_t sum = 0;

	for (unsigned r = 0; r < rounds; r++)
		sum += fib(25 + r % 3);
	return sum;
}

/* ---- floating point ---- */

static uint64_t bits_of(double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof(bits));
	return bits;
}

/* One instruction, without errno. */
static double root(double v)
{
	double r;

#ifdef __riscv
	__asm__("fsqrt.d %0, %1" : "=f"(r) : "f"(v));
#else
	__asm__("sqrtsd %1, %0" : "=x"(r) : "x"(v));
#endif
	return r;
}

static uint64_t nbody(unsigned rounds)
{
	struct {
		double x, y, z, vx, vy, vz, m;
	} p[5];
	double energy = 0;

	for (int i = 0; i < 5; i++) {
		p[i].x = i * 1.5;
		p[i].y = 2.0 - i * 0.75;
		p[i].z = i * i * 0.25;
		p[i].vx = 0.01 * i;
		p[i].vy = -0.02 * i;
		p[i].vz = 0.005;
		p[i].m = 1.0 / (i + 1);
	}
	for (unsigned r = 0; r < rounds * 1000; r++) {
		for (int i = 0; i < 5; i++)
			for (int j = i + 1; j < 5; j++) {
				double dx = p[i].x - p[j].x, dy = p[i].y - p[j].y,
				       dz = p[i].z - p[j].z;
				double d2 = dx * dx + dy * dy + dz * dz + 0.01;
				double mag = 0.001 / (d2 * root(d2));

				p[i].vx -= dx * p[j].m * mag;
				p[i].vy -= dy * p[j].m * mag;
				p[i].vz -= dz * p[j].m * mag;
				p[j].vx += dx * p[i].m * mag;
				p[j].vy += dy * p[i].m * mag;
				p[j].vz += dz * p[i].m * mag;
			}
		for (int i = 0; i < 5; i++) {
			p[i].x += 0.001 * p[i].vx;
			p[i].y += 0.001 * p[i].vy;
			p[i].z += 0.001 * p[i].vz;
		}
	}
	for (int i = 0; i < 5; i++)
		energy += p[i].m * (p[i].vx * p[i].vx + p[i].vy * p[i].vy + p[i].vz * p[i].vz);
	return bits_of(energy);
}

static uint64_t matrix(unsigned rounds)
{
	enum { N = 64 };
	static double a[N][N], b[N][N], c[N][N];

	for (int i = 0; i < N * N; i++) {
		a[i / N][i % N] = i % 13 * 0.5;
		b[i / N][i % N] = i % 7 - 3.25;
	}
	for (unsigned r = 0; r < rounds; r++) {
		for (int i = 0; i < N; i++)
			for (int j = 0; j < N; j++) {
				double s = 0;

				for (int k = 0; k < N; k++)
					s += a[i][k] * b[k][j];
				c[i][j] = s;
			}
		a[r % N][3] += c[5][r % N] * 1e-6;
	}
	return bits_of(c[3][4] + a[1][3]);
}

static uint64_t fft(unsigned rounds)
{
	enum { N = 1024 };
	static float re[N], im[N];

	for (int i = 0; i < N; i++) {
		re[i] = (float)(i % 31);
		im[i] = 0;
	}
	for (unsigned r = 0; r < rounds; r++)
		for (int half = 1; half < N; half *= 2)
			for (int i = 0; i < N; i += 2 * half)
				for (int j = i; j < i + half; j++) {
					float tr = re[j + half] * 0.8f - im[j + half] * 0.6f;
					float ti = re[j + half] * 0.6f + im[j + half] * 0.8f;

					re[j + half] = (re[j] - tr) * 0.70710678f;
					im[j + half] = (im[j] - ti) * 0.70710678f;
					re[j] = (re[j] + tr) * 0.70710678f;
					im[j] = (im[j] + ti) * 0.70710678f;
				}
	return bits_of((double)re[5] + (double)im[77]);
}

/* ---- memory ---- */

static uint64_t copy(unsigned rounds)
{
	enum { SIZE = 4 << 20 };
	char *a = malloc(SIZE), *b = malloc(SIZE);
	uint64_t sum;

	memset(a, 1, SIZE);
	memset(b, 2, SIZE);
	for (unsigned r = 0; r < rounds; r++) {
		a[r] = (char)r;
		memcpy(b, a, SIZE);
	}
	sum = (unsigned char)b[rounds / 2];
	free(a);
	free(b);
	return sum;
}

static uint64_t fill(unsigned rounds)
{
	enum { SIZE = 4 << 20 };
	char *a = malloc(SIZE);
	uint64_t sum = 0;

	for (unsigned r = 0; r < rounds; r++) {
		memset(a, (int)r, SIZE);
		sum += (unsigned char)a[r];
	}
	free(a);
	return sum;
}

/* ---- the kernel ---- */

static uint64_t syscalls(unsigned rounds)
{
	uint64_t sum = 0;

	for (unsigned r = 0; r < rounds * 1000; r++)
		sum += (uint64_t)syscall(SYS_getppid);
	return sum;
}

static uint64_t faults(unsigned rounds)
{
	enum { SIZE = 16 << 20 };
	uint64_t sum = 0;

	for (unsigned r = 0; r < rounds; r++) {
		volatile char *p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
					MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		madvise((void *)(uintptr_t)p, SIZE, MADV_NOHUGEPAGE);
		for (unsigned i = 0; i < SIZE; i += 4096)
			sum += (uint64_t)(p[i] = (char)(i >> 12));
		munmap((void *)(uintptr_t)p, SIZE);
	}
	return sum;
}

static uint64_t spawn(unsigned rounds)
{
	uint64_t sum = 0;

	for (unsigned r = 0; r < rounds; r++) {
		int status = 0;
		pid_t pid = fork();

		if (!pid) {
			execl("/proc/self/exe", "loads", "exit", (char *)NULL);
			_exit(1);
		}
		waitpid(pid, &status, 0);
		sum += (uint64_t)(WIFEXITED(status) ? WEXITSTATUS(status) : 1000);
	}
	return sum;
}

/* Two at once, for machines with two harts. */
static uint64_t pair(unsigned rounds)
{
	int status = 0;
	pid_t pid = fork();
	uint64_t sum = mix(rounds);

	if (!pid)
		_exit(sum & 0x7f);
	waitpid(pid, &status, 0);
	return sum + (uint64_t)WEXITSTATUS(status);
}

static uint64_t pingpong(unsigned rounds)
{
	int there[2], back[2];
	uint64_t sum = 0;
	pid_t pid;
	char c = 0;

	if (pipe(there) || pipe(back))
		return 0;
	pid = fork();
	if (!pid) {
		while (read(there[0], &c, 1) == 1 && c != 'q') {
			c++;
			if (write(back[1], &c, 1) != 1)
				break;
		}
		_exit(0);
	}
	for (unsigned r = 0; r < rounds * 1000; r++) {
		c = (char)('a' + r % 10);
		if (write(there[1], &c, 1) != 1 || read(back[0], &c, 1) != 1)
			break;
		sum += (uint64_t)c;
	}
	c = 'q';
	if (write(there[1], &c, 1) == 1)
		waitpid(pid, NULL, 0);
	return sum;
}

static const struct {
	const char *name;
	uint64_t (*run)(unsigned rounds);
	unsigned rounds;
} loads[] = {
	{"mix", mix, 15000},      {"sort", sort, 8},           {"sha", sha, 100},
	{"chase", chase, 50},     {"bytecode", bytecode, 300}, {"calls", calls, 200},
	{"nbody", nbody, 300},    {"matrix", matrix, 200},     {"fft", fft, 1000},
	{"copy", copy, 200},      {"fill", fill, 300},         {"syscalls", syscalls, 1000},
	{"faults", faults, 10},   {"spawn", spawn, 100},       {"pingpong", pingpong, 20},
	{"pair", pair, 1000},     {"blkread", blkread, 100},   {"blkwrite", blkwrite, 100},
	{"blkrand", blkrand, 10}, {"netup", netup, 20},        {"netdown", netdown, 20},
};

static void run(const char *arg)
{
	const char *equals = strchr(arg, '=');
	size_t len = equals ? (size_t)(equals - arg) : strlen(arg);

	for (unsigned i = 0; i < sizeof(loads) / sizeof(loads[0]); i++) {
		unsigned rounds = equals ? (unsigned)atoi(equals + 1) : loads[i].rounds;

		if (strlen(loads[i].name) != len || strncmp(arg, loads[i].name, len))
			continue;
		printf("\nbench: begin %s\n", loads[i].name);
		printf("bench: end %s %016llx\n", loads[i].name,
		       (unsigned long long)loads[i].run(rounds));
	}
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "exit"))
		return 7;
	(void)setvbuf(stdout, NULL, _IONBF, 0);
	if (getpid() == 1) {
		int fd = open("/dev/console", O_RDWR);

		for (int i = 0; fd >= 0 && i < 3; i++)
			dup2(fd, i);
	}
	for (int i = 1; i < argc; i++) {
		if (!strncmp(argv[i], "port=", 5))
			server_port = (unsigned short)atoi(argv[i] + 5);
		else
			run(argv[i]);
	}
	(void)tcdrain(1); /* the power may go off next, and with it what is still on its way */
	if (getpid() == 1)
		reboot(RB_POWER_OFF);
	return 0;
}
