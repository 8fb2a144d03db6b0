/* SPDX-License-Identifier: MIT */
/*
 * bench/boot: what it costs to boot the default guest to its init and power off, on Linnet and on
 * qemu-system-riscv64, in turn in one run.
 *
 *	boot LINNET [ROUNDS] [-- MORE OPTIONS FOR LINNET]
 *
 * Both get the same kernel, initrd, command line, 512 MB and one hart. Figures are host CPU seconds
 * of the whole process (user and system, all threads) and its peak resident memory, medians over
 * ROUNDS (3); the machine may be busy with other things, which CPU seconds hardly feel. Ratios
 * above 1 mean that Linnet needs more than QEMU.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_ROUNDS 15
#define MAX_ARGS   48

struct figures {
	double cpu[MAX_ROUNDS];  /* seconds */
	double peak[MAX_ROUNDS]; /* MB */
};

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *v, unsigned n)
{
	qsort(v, n, sizeof(*v), by_value);
	return v[n / 2];
}

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

/* Runs argv with its output to `log`; ends this program when it fails. */
static void measure(char *const argv[], const char *log, struct figures *f, unsigned round)
{
	struct rusage usage;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0644);
		int null = open("/dev/null", O_RDONLY);

		if (fd < 0 || null < 0 || dup2(null, 0) < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
			_exit(126);
		alarm(300);
		execvp(argv[0], argv);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &usage) < 0) {
		perror("bench/boot");
		exit(1);
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		fprintf(stderr, "bench/boot: %s failed (status %#x); its output is in %s\n",
			argv[0], status, log);
		exit(1);
	}
	f->cpu[round] = seconds(usage.ru_utime) + seconds(usage.ru_stime);
	f->peak[round] = (double)usage.ru_maxrss / 1024;
}

/* The value of `name` in the lines of `linnet fetch --print`, malloc'd. */
static char *fetched(const char *linnet, const char *name)
{
	char command[4096], line[4096], *value = NULL;
	size_t len = strlen(name);
	FILE *f;

	snprintf(command, sizeof(command), "'%s' fetch --print", linnet);
	f = popen(command, "r");
	while (f && fgets(line, sizeof(line), f))
		if (!value && !strncmp(line, name, len) && line[len] == '=') {
			line[strcspn(line, "\n")] = '\0';
			value = strdup(line + len + 1);
		}
	if (!f || pclose(f) || !value) {
		fprintf(stderr, "bench/boot: `%s fetch --print` gave no %s\n", linnet, name);
		exit(1);
	}
	return value;
}

/* `-v` makes Linnet say how many instructions have retired. */
static void print_instructions(const char *log)
{
	char line[1024];
	FILE *f = fopen(log, "r");

	while (f && fgets(line, sizeof(line), f))
		if (strstr(line, " instructions"))
			printf("%s", line);
	if (f && fclose(f))
		perror(log);
}

static void run(char *const ours[], char *const qemu[], unsigned rounds)
{
	struct figures f_ours, f_qemu;
	double cpu_ours, cpu_qemu, peak_ours, peak_qemu;
	char log[] = "/tmp/bench-boot.XXXXXX";
	int fd = mkstemp(log);

	if (fd < 0) {
		perror(log);
		exit(1);
	}
	close(fd);
	if (setvbuf(stdout, NULL, _IOLBF, 0))
		perror("bench/boot"); /* rounds are shown late */
	for (unsigned i = 0; i < rounds; i++) {
		measure(qemu, log, &f_qemu, i);
		measure(ours, log, &f_ours, i);
		printf("round %u: linnet %.2f s %.0f MB, qemu %.2f s %.0f MB\n", i + 1,
		       f_ours.cpu[i], f_ours.peak[i], f_qemu.cpu[i], f_qemu.peak[i]);
	}
	print_instructions(log);
	unlink(log);
	cpu_ours = median(f_ours.cpu, rounds);
	cpu_qemu = median(f_qemu.cpu, rounds);
	peak_ours = median(f_ours.peak, rounds);
	peak_qemu = median(f_qemu.peak, rounds);
	printf("boot: linnet / qemu: CPU %.2f s / %.2f s = %.2f, peak memory %.0f MB / %.0f MB = "
	       "%.2f\n",
	       cpu_ours, cpu_qemu, cpu_ours / cpu_qemu, peak_ours, peak_qemu,
	       peak_ours / peak_qemu);
}

int main(int argc, char **argv)
{
	unsigned rounds = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 3;
	char *kernel, *initrd, *append;

	if (argc < 2 || !rounds || rounds > MAX_ROUNDS) {
		fprintf(stderr, "usage: boot LINNET [ROUNDS 1..%d] [-- OPTIONS]\n", MAX_ROUNDS);
		return 2;
	}
	kernel = fetched(argv[1], "kernel");
	initrd = fetched(argv[1], "initrd");
	append = fetched(argv[1], "append_off");

	char *ours[MAX_ARGS] = {argv[1],    "run",   "-v",       "--mem", "512M",
				"--kernel", kernel,  "--initrd", initrd,  "--append-only",
				append,     "--net", "none"};
	char *qemu[] = {"qemu-system-riscv64",
			"-M",
			"virt",
			"-m",
			"512",
			"-nographic",
			"-nic",
			"none",
			"-no-reboot",
			"-kernel",
			kernel,
			"-initrd",
			initrd,
			"-append",
			append,
			NULL};

	for (int i = 4, n = 13; i < argc && n < MAX_ARGS - 1; i++)
		ours[n++] = argv[i];
	run(ours, qemu, rounds);
	free(kernel);
	free(initrd);
	free(append);
	return 0;
}
