// SPDX-License-Identifier: GPL-2.0
/*
 * irqlab-latency [EVENTS]: lets each irqlab interrupt so often (100) with each kind of bottom half,
 * and prints how late the top half came after the event, and the bottom half after the top half.
 * As root, with debugfs where it always is. Leaves the device with the bottom half that it had.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LABS "/sys/kernel/debug/irqlab"

struct lab {
	const char *name;
	char folder[300]; /* in debugfs */
	char half[300];   /* the attribute in sysfs */
};

/* What could not be done, and the end. */
static _Noreturn void fail(const char *path)
{
	fprintf(stderr, "irqlab-latency: %s: %s\n", path, strerror(errno));
	exit(1);
}

static void put(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	if (!file || fputs(text, file) < 0 || fclose(file))
		fail(path);
}

static void put_in(const struct lab *lab, const char *file, const char *text)
{
	char path[400];

	snprintf(path, sizeof(path), "%s/%s", lab->folder, file);
	put(path, text);
}

/* The numbers behind the words that a line of the file begins with; how many there were. */
static int get_from(const struct lab *lab, const char *file, const char *words,
		    unsigned long long to[4])
{
	char path[400], line[400];
	FILE *from;
	int n = 0;

	snprintf(path, sizeof(path), "%s/%s", lab->folder, file);
	from = fopen(path, "r");
	if (!from)
		fail(path);
	while (!n && fgets(line, sizeof(line), from)) {
		char *rest = line + strlen(words);

		if (strncmp(line, words, strlen(words)))
			continue;
		while (n < 4 && *(rest += strcspn(rest, "0123456789")))
			to[n++] = strtoull(rest, &rest, 10);
	}
	fclose(from);
	return n;
}

static void show(const struct lab *lab, const char *what)
{
	unsigned long long n[4];

	if (get_from(lab, "latency", what, n) == 4)
		printf("%-20s %-22s %6llu %9llu %9llu %9llu\n", lab->name, what, n[0], n[1], n[3],
		       n[2]);
}

/* Until that many events were seen, one at a time or several at once, and the bottom halves have
 * done what they were asked to; five seconds at most.
 */
static void settle(const struct lab *lab, unsigned long events)
{
	unsigned long long interrupts[4], overruns[4], done[4];

	for (int i = 0; i < 500; i++) {
		if (get_from(lab, "counts", "interrupts", interrupts) >= 1 &&
		    get_from(lab, "counts", "overruns", overruns) >= 1 &&
		    interrupts[0] + overruns[0] >= events &&
		    get_from(lab, "counts", "bottom halves", done) == 2 && done[1] == interrupts[0])
			return;
		usleep(10000);
	}
}

/* `before`: how many events there were. */
static void measure(const struct lab *lab, const char *half, unsigned long before,
		    unsigned long events)
{
	char what[40];

	put(lab->half, half);
	for (unsigned long i = 0; i < events; i++)
		put_in(lab, "trigger", "1");
	settle(lab, before + events);
	snprintf(what, sizeof(what), "top half to %s", half);
	show(lab, what);
}

/* Its name stands in brackets. */
static void current_half(const struct lab *lab, char word[100])
{
	FILE *file = fopen(lab->half, "r");
	char text[100], *begin;

	if (!file || !fgets(text, sizeof(text), file) || !(begin = strchr(text, '[')))
		fail(lab->half);
	fclose(file);
	snprintf(word, 100, "%.*s", (int)strcspn(begin + 1, "]"), begin + 1);
}

static void try_all(struct lab *lab, unsigned long events)
{
	static const char *const halves[] = {"irq", "softirq", "work", "thread"};
	static const char *const buses[] = {"platform", "pci"};
	char before[100];

	for (int i = 0; i < 2; i++) {
		snprintf(lab->half, sizeof(lab->half), "/sys/bus/%s/devices/%s/bottom_half",
			 buses[i], lab->name);
		if (!access(lab->half, F_OK))
			break;
	}
	current_half(lab, before);
	put_in(lab, "reset", "0");
	for (int i = 0; i < 4; i++)
		measure(lab, halves[i], i * events, events);
	show(lab, "event to top half");
	put(lab->half, before);
}

int main(int argc, char **argv)
{
	unsigned long events = argc > 1 ? strtoul(argv[1], NULL, 10) : 100;
	struct dirent *entry;
	DIR *labs;

	if (argc > 2 || !events) {
		fprintf(stderr, "usage: irqlab-latency [EVENTS]\n");
		return 2;
	}
	labs = opendir(LABS);
	if (!labs)
		fail(LABS);
	printf("%-20s %-22s %6s %9s %9s %9s\n", "device", "ns from", "times", "min", "max", "mean");
	while ((entry = readdir(labs))) {
		struct lab lab = {.name = entry->d_name};

		if (entry->d_name[0] == '.')
			continue;
		snprintf(lab.folder, sizeof(lab.folder), LABS "/%s", lab.name);
		try_all(&lab, events);
	}
	closedir(labs);
	return 0;
}
