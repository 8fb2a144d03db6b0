// SPDX-License-Identifier: GPL-2.0
/*
 * irqlab-stress SECONDS DRIVER DEVICE OTHER: many processes at once, until the time is over. On
 * DEVICE: transfers, events, pulses, ticks, storms, resets, other bottom halves and storm limits,
 * and two that look at everything. OTHER, which shares its line where there is one, is taken from
 * its driver (DRIVER, a folder in sysfs) and given back while it does transfers. As root.
 *
 * A transfer ends well, or it says why not: it was reset, its time ran out, or the device went.
 * What is shown is of one moment: a bottom half was for no more interrupts than there were.
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <testing/check.h>
#include <testing/fault.h>

#define DEBUG "/sys/kernel/debug/irqlab"

/* What the processes share. */
struct common {
	atomic_bool over;
	atomic_ulong transfers, resets, looks, moves; /* that were done */
};

static struct common *common;
static const char *driver, *device, *other;

static const char *in_debugfs(const char *which, const char *file)
{
	static char path[400];

	snprintf(path, sizeof(path), DEBUG "/%s/%s", which, file);
	return path;
}

static const char *attribute(const char *name)
{
	static char path[400];

	snprintf(path, sizeof(path), "%s/%s/%s", driver, device, name);
	return path;
}

static void transfer(const char *which, bool goes, uint64_t *random)
{
	char text[40];
	int error;

	snprintf(text, sizeof(text), "%u %u", 1 + random_below(random, 65536),
		 random_below(random, 300000));
	error = fault_tell(in_debugfs(which, "dma"), text);
	if (!error)
		common->transfers++;
	else if (goes)
		CHECK(error == ETIMEDOUT || error == ENOENT || error == EIO || error == ENODEV);
	else
		CHECK(error == ECANCELED || error == ETIMEDOUT);
}

static void transfers(uint64_t *random)
{
	transfer(device, false, random);
}

static void others_transfers(uint64_t *random)
{
	transfer(other, true, random);
}

static void events(uint64_t *random)
{
	static const char *const files[] = {"trigger", "trigger", "pulse", "storm"};
	char text[20];

	snprintf(text, sizeof(text), "%u", random_below(random, 200));
	CHECK(!fault_tell(in_debugfs(device, files[random_below(random, 4)]), text));
}

/* Also faster than any hart can take them, and without end; edges have one, since nobody can stop
 * listening to them.
 */
static void ticks(uint64_t *random)
{
	uint32_t ns = 1000u << random_below(random, 10), n = random_below(random, 1000);
	char text[40];

	if (random_below(random, 2))
		snprintf(text, sizeof(text), "%u %u edge", ns, n + 1);
	else
		snprintf(text, sizeof(text), "%u %u", ns, n % 2 ? n : 0);
	CHECK(!fault_tell(in_debugfs(device, "timer"), text));
	usleep(random_below(random, 2000));
}

static void resets(uint64_t *random)
{
	usleep(random_below(random, 20000));
	CHECK(!fault_tell(in_debugfs(device, "reset"), "-"));
	common->resets++;
}

static void settings(uint64_t *random)
{
	static const char *const halves[] = {"irq", "softirq", "work", "thread"};
	char text[20];

	snprintf(text, sizeof(text), "%u", 1 + random_below(random, 100));
	CHECK(!fault_tell(attribute("bottom_half"), halves[random_below(random, 4)]));
	CHECK(!fault_tell(attribute("storm_limit"), text));
	CHECK(fault_tell(attribute("bottom_half"), "tasklet") == EINVAL);
	usleep(1000);
}

/* What file says; its length, or -1 and an error when it is gone. */
static ssize_t text_of(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = read(fd, text, size - 1);
	text[n < 0 ? 0 : n] = '\0';
	close(fd);
	return n;
}

static void look(uint64_t *random)
{
	unsigned long long bottoms, of, taken[4];
	char text[4000], *at;

	CHECK(text_of(in_debugfs(device, "counts"), text, sizeof(text)) > 0);
	at = strstr(text, "interrupts ");
	CHECK(at && sscanf(at, "interrupts %llu %llu %llu %llu", &taken[0], &taken[1], &taken[2],
			   &taken[3]) == 4);
	at = strstr(text, "bottom halves ");
	CHECK(at && sscanf(at, "bottom halves %llu for %llu interrupts", &bottoms, &of) == 2);
	CHECK(bottoms <= of && of <= taken[0] + taken[1] + taken[2] + taken[3]);
	CHECK(text_of(in_debugfs(device, "latency"), text, sizeof(text)) >= 0);
	CHECK(text_of(attribute("bottom_half"), text, sizeof(text)) > 0 && strchr(text, '['));
	if (text_of(in_debugfs(other, "counts"), text, sizeof(text)) < 0)
		CHECK(errno == ENOENT || errno == EIO);
	common->looks++;
	usleep(random_below(random, 1000));
}

/* Nobody else does that, so it works. */
static void come_and_go(uint64_t *random)
{
	char bind[400], unbind[400];

	snprintf(bind, sizeof(bind), "%s/bind", driver);
	snprintf(unbind, sizeof(unbind), "%s/unbind", driver);
	CHECK(!fault_tell(unbind, other));
	usleep(random_below(random, 5000));
	CHECK(!fault_tell(bind, other));
	usleep(random_below(random, 20000));
	common->moves++;
}

/* A process that does one thing again and again, at least once. */
static pid_t begin(void (*act)(uint64_t *random), uint64_t seed)
{
	pid_t child = fork();

	CHECK(child >= 0);
	if (child)
		return child;
	do {
		act(&seed);
	} while (!common->over);
	exit(0);
}

int main(int argc, char **argv)
{
	static void (*const roles[])(uint64_t * random) = {
		transfers, transfers, others_transfers, events, ticks, resets, settings,
		look,      look,      come_and_go};
	pid_t processes[COUNT_OF(roles)];
	int status;

	if (argc != 5)
		return 2;
	driver = argv[2];
	device = argv[3];
	other = argv[4];
	common = mmap(NULL, sizeof(*common), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	CHECK(common != MAP_FAILED);
	for (size_t i = 0; i < COUNT_OF(roles); i++)
		processes[i] = begin(roles[i], i);
	sleep((unsigned int)strtoul(argv[1], NULL, 0));
	common->over = true;
	for (size_t i = 0; i < COUNT_OF(roles); i++)
		CHECK(waitpid(processes[i], &status, 0) == processes[i] && status == 0);
	CHECK(!fault_tell(in_debugfs(device, "reset"), "-"));
	printf("  %lu transfers, %lu resets, %lu looks, %lu times gone and back\n",
	       common->transfers, common->resets, common->looks, common->moves);
	return 0;
}
