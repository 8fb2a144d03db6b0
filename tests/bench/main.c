/* SPDX-License-Identifier: MIT */
/*
 * bench/loads: what each load costs on Linnet and on its peers, in turn in one run.
 *
 *	bench_loads [options] LINNET NATIVE LOADS [NAME[=N]...]
 *
 * LOADS is loads.c for riscv64, which goes into the default guest in place of its demo; NATIVE is
 * the same for this host. Each round boots every peer once and runs all loads in that boot. Figures
 * are host CPU seconds of the peer's process between the marks that the guest prints around a load,
 * medians over the rounds; ratios above 1 mean that Linnet's jit needs less. With --steady they are
 * seconds of a CPU that is always as fast as on average in this run (pace.h), which takes twice as
 * long then; not so the two processes at the end, which want all CPUs for themselves. `spread` is
 * the jit's greatest figure divided by its least.
 */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "peer.h"

#define DISK_SIZE (256l << 20)

struct options {
	unsigned rounds, scale; /* scale: percent of each load's usual size */
	bool with[MAX_PEERS];
	bool json;
	bool steady; /* in CPU seconds at one pace */
};

struct load {
	const char *name;
	unsigned rounds; /* some 3 s on QEMU 7.2 */
	bool devices;    /* needs the guest's disk or network */
};

/* clang-format off */
static const struct load all_loads[] = {
	{"mix", 60000, false},    {"sort", 30, false},       {"sha", 400, false},
	{"chase", 150, false},    {"bytecode", 500, false},  {"calls", 600, false},
	{"nbody", 1000, false},   {"matrix", 800, false},    {"fft", 3000, false},
	{"copy", 800, false},     {"fill", 1500, false},     {"syscalls", 3000, false},
	{"faults", 40, false},    {"spawn", 300, false},     {"pingpong", 60, false},
	{"blkread", 1000, true},  {"blkrand", 60, true},     {"blkwrite", 600, true},
	{"netup", 200, true},     {"netdown", 200, true},
};
/* clang-format on */
#define N_LOADS (sizeof(all_loads) / sizeof(all_loads[0]))

struct table {
	const char *name[MAX_LOADS];
	bool devices[MAX_LOADS];
	char names[2][2048]; /* for the command line: all, and those that need no devices */
	unsigned n;
	double cpu[MAX_PEERS][MAX_LOADS][MAX_ROUNDS];
	uint64_t result[MAX_PEERS][MAX_LOADS];
	bool have[MAX_PEERS];
	double extra_mb;
};

static void fail(const char *what)
{
	fprintf(stderr, "bench/loads: %s\n", what);
	exit(1);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(const double *v, unsigned n)
{
	double sorted[MAX_ROUNDS];

	memcpy(sorted, v, n * sizeof(*v));
	qsort(sorted, n, sizeof(*sorted), by_value);
	return sorted[n / 2];
}

static double spread(const double *v, unsigned n)
{
	double least = v[0], most = v[0];

	for (unsigned i = 1; i < n; i++) {
		least = fmin(least, v[i]);
		most = fmax(most, v[i]);
	}
	return most / least;
}

/* ---- the guest ---- */

static void sh(const char *command)
{
	if (system(command))
		fail(command);
}

/* The guest is made in another directory. */
static char *absolute(const char *path)
{
	char *real = realpath(path, NULL);

	if (!real) {
		perror(path);
		fail("there is no such file");
	}
	return real;
}

static char *output_of(const char *command, const char *key)
{
	char line[4096], *value = NULL;
	size_t len = strlen(key);
	FILE *f = popen(command, "r");

	while (f && fgets(line, sizeof(line), f))
		if (!value && !strncmp(line, key, len) && line[len] == '=') {
			line[strcspn(line, "\n")] = '\0';
			value = strdup(line + len + 1);
		}
	if (f)
		(void)pclose(f); /* no value says enough */
	return value;
}

/* The default guest's initrd with the loads as its demo behind it. */
static void make_guest(struct scene *s, const char *loads, const char *work)
{
	char command[8192];
	char *initrd;

	snprintf(command, sizeof(command), "'%s' fetch --print", s->linnet);
	s->kernel = output_of(command, "kernel");
	initrd = output_of(command, "initrd");
	s->append = output_of(command, "append");
	if (!s->kernel || !initrd || !s->append)
		fail(command);
	snprintf(command, sizeof(command),
		 "set -e; cd '%s'; mkdir -p lib/linnet; cp '%s' loads; cat >lib/linnet/demo "
		 "<<'END'\n"
		 "#!/bin/sh\n"
		 "set -- $(sed 's/.* -- //' /proc/cmdline)\n"
		 "umount /dev/vda 2>/dev/null\n"
		 "exec /loads \"$@\"\n"
		 "END\n"
		 "chmod 755 lib/linnet/demo; { cat '%s'; printf '%%s\\n' loads lib lib/linnet "
		 "lib/linnet/demo | cpio -o -H newc --quiet; } >initrd",
		 work, loads, initrd);
	free(initrd);
	sh(command);
	if (asprintf(&s->initrd, "%s/initrd", work) < 0)
		fail("out of memory");
	snprintf(s->disk, sizeof(s->disk), "%s/disk", work);
	snprintf(command, sizeof(command), "head -c %ld /dev/zero >'%s'", DISK_SIZE, s->disk);
	sh(command);
}

static void find_peers(struct scene *s, const struct options *o)
{
	for (unsigned i = 0; i < n_peers; i++) {
		if (o->with[i] && !strcmp(peers[i].name, "qemu7"))
			s->qemu = system("command -v qemu-system-riscv64 >/dev/null")
					  ? NULL
					  : "qemu-system-riscv64";
		if (o->with[i] && !strcmp(peers[i].name, "qemu10"))
			s->qemu10 = output_of(BENCH_PEERS, "qemu_system");
	}
}

/* ---- the loads ---- */

static void add_word(char *line, size_t room, const char *word)
{
	size_t used = strlen(line);

	if (snprintf(line + used, room - used, "%s", word) >= (int)(room - used))
		fail("too many loads");
}

static void add_load(struct table *t, const struct load *l, unsigned rounds)
{
	char word[64];

	if (t->n == MAX_LOADS)
		fail("too many loads");
	t->name[t->n] = l->name;
	t->devices[t->n++] = l->devices;
	snprintf(word, sizeof(word), "%s=%u ", l->name, rounds ? rounds : 1);
	add_word(t->names[0], sizeof(t->names[0]), word);
	if (!l->devices)
		add_word(t->names[1], sizeof(t->names[1]), word);
}

static void choose_loads(struct table *t, const struct options *o, int argc, char **argv)
{
	for (unsigned k = 0; !argc && k < N_LOADS; k++)
		add_load(t, &all_loads[k], all_loads[k].rounds * o->scale / 100);
	for (int i = 0; i < argc; i++) {
		char *equals = strchr(argv[i], '=');
		unsigned rounds, k;

		if (equals)
			*equals++ = '\0';
		for (k = 0; k < N_LOADS && strcmp(all_loads[k].name, argv[i]); k++)
			;
		if (k == N_LOADS)
			fail("there is no such load; see loads.c");
		rounds = equals ? (unsigned)atoi(equals) : all_loads[k].rounds * o->scale / 100;
		add_load(t, &all_loads[k], rounds);
	}
}

static void measure(struct table *t, const struct scene *s, const struct options *o)
{
	for (unsigned round = 0; round < o->rounds; round++) {
		for (unsigned p = 0; p < n_peers; p++) {
			char *argv[MAX_LOADS + 1];
			struct cost cost[MAX_LOADS];
			double extra;

			if (!o->with[p] ||
			    !peers[p].command(s, t->names[!peers[p].guest_devices], argv))
				continue;
			fprintf(stderr, "\rround %u of %u: %-8s", round + 1, o->rounds,
				peers[p].name);
			peer_run(s, argv, t->name, t->n, cost, &extra);
			t->have[p] = true;
			if (extra > t->extra_mb)
				t->extra_mb = extra;
			for (unsigned i = 0; i < t->n; i++) {
				if (!cost[i].valid && !(t->devices[i] && !peers[p].guest_devices)) {
					fprintf(stderr, "\nbench/loads: no %s from %s; see %s\n",
						t->name[i], peers[p].name, s->log);
					exit(1);
				}
				t->cpu[p][i][round] = cost[i].valid ? cost[i].cpu : NAN;
				t->result[p][i] = cost[i].result;
			}
		}
	}
	fputs("\r                                \r", stderr);
}

/* The same with costs at one pace, which is that of the whole run: pieces become seconds. */
static void measure_steadily(struct table *t, struct scene *s, const struct options *o)
{
	double pace;

	s->pace = pace_start();
	if (!s->pace)
		fail("there is no pace to measure at");
	measure(t, s, o);
	pace = pace_since(s->pace, (struct pace_mark){0});
	for (unsigned p = 0; p < n_peers; p++)
		for (unsigned i = 0; i < t->n; i++)
			for (unsigned round = 0; round < o->rounds; round++)
				t->cpu[p][i][round] /= pace;
	pace_stop(s->pace);
	s->pace = NULL;
}

/* ---- the table ---- */

/* What the ratios of a column come to. */
struct mean {
	double log_sum;
	unsigned n;
};

static void print_ratio(double ratio, struct mean *mean)
{
	if (isnan(ratio)) {
		printf(" %9s", "-");
		return;
	}
	printf(" %9.2f", ratio);
	mean->log_sum += log(ratio);
	mean->n++;
}

/* The CPU seconds of a load, and its ratios; 1 when a peer came to another result. */
static int print_row(const struct table *t, const struct options *o, unsigned i, struct mean *means)
{
	double jit = median(t->cpu[0][i], o->rounds);
	int bad = 0;

	printf("%-10s", t->name[i]);
	for (unsigned p = 0; p < n_peers; p++)
		if (t->have[p])
			printf(" %8.2f", median(t->cpu[p][i], o->rounds));
	for (unsigned p = 1; p < n_peers; p++)
		if (t->have[p])
			print_ratio(median(t->cpu[p][i], o->rounds) / jit, &means[p]);
	printf(" %6.2f", spread(t->cpu[0][i], o->rounds));
	for (unsigned p = 1; p < n_peers; p++)
		/* Native code may fuse operations, and sees another kernel. */
		if (t->have[p] && peers[p].guest_devices && t->result[p][i] != t->result[0][i]) {
			printf("  %s computed something else", peers[p].name);
			bad = 1;
		}
	putchar('\n');
	return bad;
}

static int print_table(const struct table *t, const struct options *o)
{
	struct mean means[MAX_PEERS] = {0};
	int bad = 0;

	printf("%-10s", "CPU s");
	for (unsigned p = 0; p < n_peers; p++)
		if (t->have[p])
			printf(" %8s", peers[p].name);
	for (unsigned p = 1; p < n_peers; p++)
		if (t->have[p])
			printf(" %6s/jit", peers[p].name);
	puts(" spread");
	for (unsigned i = 0; i < t->n; i++)
		bad |= print_row(t, o, i, means);
	printf("%-10s", "geo. mean");
	for (unsigned p = 0; p < n_peers; p++)
		if (t->have[p])
			printf(" %8s", "");
	for (unsigned p = 1; p < n_peers; p++)
		if (t->have[p])
			printf(" %9.2f", means[p].n ? exp(means[p].log_sum / means[p].n) : NAN);
	printf("\nLinnet's memory beyond guest RAM: %.1f MB\n", t->extra_mb);
	return bad;
}

static void print_json(const struct table *t, const struct options *o)
{
	printf("{\"rounds\": %u, \"memory_mb\": %.1f, \"cpu_s\": {", o->rounds, t->extra_mb);
	for (unsigned i = 0; i < t->n; i++) {
		const char *comma = "";

		printf("%s\n  \"%s\": {", i ? "," : "", t->name[i]);
		for (unsigned p = 0; p < n_peers; p++) {
			double v = median(t->cpu[p][i], o->rounds);

			if (!t->have[p] || isnan(v))
				continue;
			printf("%s\"%s\": %.3f", comma, peers[p].name, v);
			comma = ", ";
		}
		putchar('}');
	}
	puts("\n}}");
}

/* What a second hart is good for: two processes that compute, in real time, which tells something
 * where two CPUs are free, and in CPU time of both harts, of which two CPUs would need half. */
static void print_two_harts(struct scene *s, const struct options *o)
{
	static const char *const name = "pair";
	double wall[2][MAX_ROUNDS], cpu[2][MAX_ROUNDS], extra;
	char word[32];

	snprintf(word, sizeof(word), "pair=%u", 60000 * o->scale / 100);
	for (unsigned round = 0; round < o->rounds; round++) {
		for (s->harts = 1; s->harts <= 2; s->harts++) {
			char *argv[MAX_LOADS + 1];
			struct cost cost;

			peers[0].command(s, word, argv);
			peer_run(s, argv, &name, 1, &cost, &extra);
			if (!cost.valid)
				fail(s->log);
			wall[s->harts - 1][round] = cost.wall;
			cpu[s->harts - 1][round] = cost.cpu;
		}
	}
	printf("two processes, real time: %.2f s with 2 harts, %.2f s with 1: %.2f\n",
	       median(wall[1], o->rounds), median(wall[0], o->rounds),
	       median(wall[1], o->rounds) / median(wall[0], o->rounds));
	printf("  CPU time: %.2f s with 2 harts, %.2f s with 1: %.2f for each of two CPUs\n",
	       median(cpu[1], o->rounds), median(cpu[0], o->rounds),
	       median(cpu[1], o->rounds) / median(cpu[0], o->rounds) / 2);
}

__attribute__((noreturn)) static void usage(int status)
{
	fputs("usage: bench_loads [--rounds N] [--scale PERCENT] [--peers NAME,...] [--steady] "
	      "[--json]\n"
	      "                   LINNET NATIVE LOADS [NAME[=N]...]\n"
	      "peers: jit (always), qemu7, qemu10, interp, native; default: "
	      "jit,qemu7,qemu10,native\n",
	      status ? stderr : stdout);
	exit(status);
}

static void parse(struct options *o, int argc, char **argv)
{
	static const struct option known[] = {{"rounds", required_argument, NULL, 'r'},
					      {"scale", required_argument, NULL, 's'},
					      {"peers", required_argument, NULL, 'p'},
					      {"steady", no_argument, NULL, 't'},
					      {"json", no_argument, NULL, 'j'},
					      {"help", no_argument, NULL, 'h'},
					      {0}};
	const char *list = "qemu7,qemu10,native";
	int c;

	*o = (struct options){.rounds = 3, .scale = 100};
	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (c) {
		case 'r': o->rounds = (unsigned)atoi(optarg); break;
		case 's': o->scale = (unsigned)atoi(optarg); break;
		case 'p': list = optarg; break;
		case 'j': o->json = true; break;
		case 't': o->steady = true; break;
		case 'h': usage(0);
		default: usage(2);
		}
	}
	if (argc - optind < 3 || o->rounds < 1 || o->rounds > MAX_ROUNDS || !o->scale)
		usage(2);
	for (unsigned i = 0; i < n_peers; i++)
		o->with[i] = !i || strstr(list, peers[i].name);
}

int main(int argc, char **argv)
{
	static struct table t;
	struct scene s = {.harts = 1};
	struct options o;
	char work[] = "/tmp/bench-loads.XXXXXX", command[160];
	int bad = 0;

	parse(&o, argc, argv);
	if (!mkdtemp(work))
		fail("no place for the guest");
	snprintf(s.log, sizeof(s.log), "%s.log", work);
	s.linnet = absolute(argv[optind]);
	s.native = absolute(argv[optind + 1]);
	make_guest(&s, absolute(argv[optind + 2]), work);
	find_peers(&s, &o);
	s.port = server_start();
	choose_loads(&t, &o, argc - optind - 3, argv + optind + 3);
	if (o.steady)
		measure_steadily(&t, &s, &o);
	else
		measure(&t, &s, &o);
	if (o.json) {
		print_json(&t, &o);
	} else {
		bad = print_table(&t, &o);
		print_two_harts(&s, &o);
	}
	snprintf(command, sizeof(command), "rm -rf '%s' '%s'", work, s.log);
	sh(command);
	return bad;
}
