// SPDX-License-Identifier: GPL-2.0
/*
 * scull-ioctl DEVICE PIPE [SYSFS]: every command of a store and of a pipe, as root with the default
 * settings; SYSFS is the device's folder there, to compare with. Compiled for a 32-bit CPU this is
 * the test of compat_ioctl.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linnet/ioctl.h>
#include <testing/check.h>

struct dimension {
	const char *attribute;
	unsigned long set, tell, get, query, exchange, shift;
	uint32_t most, least;
};

static const struct dimension dimensions[] = {
	{"quantum", SCULL_IOCSQUANTUM, SCULL_IOCTQUANTUM, SCULL_IOCGQUANTUM, SCULL_IOCQQUANTUM,
	 SCULL_IOCXQUANTUM, SCULL_IOCHQUANTUM, 1 << 20, 16},
	{"qset", SCULL_IOCSQSET, SCULL_IOCTQSET, SCULL_IOCGQSET, SCULL_IOCQQSET, SCULL_IOCXQSET,
	 SCULL_IOCHQSET, 65536, 1},
};

static void attribute_is(const char *sysfs, const char *name, uint32_t value)
{
	char path[100], text[20];
	FILE *file;

	if (!sysfs)
		return;
	snprintf(path, sizeof(path), "%s/%s", sysfs, name);
	file = fopen(path, "r");
	CHECK(file && fgets(text, sizeof(text), file) && strtoul(text, NULL, 10) == value);
	fclose(file);
}

/* To be told, or refused; what is in the attribute then is what the ioctl says. */
static void attribute_takes(const char *sysfs, const char *name, const char *text, int error)
{
	char path[100];
	int fd;

	if (!sysfs)
		return;
	snprintf(path, sizeof(path), "%s/%s", sysfs, name);
	fd = open(path, O_WRONLY);
	CHECK(fd >= 0);
	errno = 0;
	CHECK(write(fd, text, strlen(text)) == (error ? -1 : (ssize_t)strlen(text)));
	CHECK(errno == error);
	close(fd);
}

/* Six forms, one value. */
static void forms(int fd, const struct dimension *d, const char *sysfs)
{
	uint32_t value = 0, first = (uint32_t)ioctl(fd, d->query);

	CHECK(!ioctl(fd, d->get, &value) && value == first);
	attribute_is(sysfs, d->attribute, first);
	value = 100;
	CHECK(!ioctl(fd, d->set, &value) && ioctl(fd, d->query) == 100);
	CHECK(!ioctl(fd, d->tell, 200) && ioctl(fd, d->query) == 200);
	attribute_is(sysfs, d->attribute, 200);
	value = 300;
	CHECK(!ioctl(fd, d->exchange, &value) && value == 200 && ioctl(fd, d->query) == 300);
	CHECK(ioctl(fd, d->shift, 400) == 300);
	CHECK(!ioctl(fd, d->get, &value) && value == 400);
	attribute_takes(sysfs, d->attribute, "500\n", 0);
	if (sysfs)
		CHECK(ioctl(fd, d->shift, 400) == 500);
	CHECK(!ioctl(fd, SCULL_IOCRESET) && (uint32_t)ioctl(fd, d->query) == first);
}

static void bounds(int fd, const struct dimension *d, const char *sysfs)
{
	const uint32_t bad[] = {d->least - 1, d->most + 1, UINT32_MAX, 0x80000000};
	uint32_t value, first = (uint32_t)ioctl(fd, d->query);
	char text[20];

	for (unsigned int i = 0; i < COUNT_OF(bad); i++) {
		value = bad[i];
		FAILS(ioctl(fd, d->set, &value), EINVAL);
		FAILS(ioctl(fd, d->exchange, &value), EINVAL);
		FAILS(ioctl(fd, d->tell, (unsigned long)value), EINVAL);
		FAILS(ioctl(fd, d->shift, (unsigned long)value), EINVAL);
		snprintf(text, sizeof(text), "%u", value);
		attribute_takes(sysfs, d->attribute, text, EINVAL);
	}
	attribute_takes(sysfs, d->attribute, "word", EINVAL);
	attribute_takes(sysfs, d->attribute, "-1", EINVAL);
	attribute_takes(sysfs, d->attribute, "99999999999", ERANGE);
	FAILS(ioctl(fd, d->set, nowhere()), EFAULT);
	FAILS(ioctl(fd, d->get, nowhere()), EFAULT);
	FAILS(ioctl(fd, d->exchange, nowhere()), EFAULT);
	CHECK((uint32_t)ioctl(fd, d->query) == first);
	CHECK(!ioctl(fd, d->tell, d->most) && (uint32_t)ioctl(fd, d->query) == d->most);
	CHECK(!ioctl(fd, d->tell, d->least) && (uint32_t)ioctl(fd, d->query) == d->least);
	CHECK(!ioctl(fd, SCULL_IOCRESET));
}

/* A new shape is for what is stored after the device was emptied. */
static void usage(int fd, const char *path)
{
	struct scull_usage u;
	int again;

	CHECK(write(fd, "x", 1) == 1);
	CHECK(!ioctl(fd, SCULL_IOCTQUANTUM, 128) && !ioctl(fd, SCULL_IOCTQSET, 3));
	CHECK(!ioctl(fd, SCULL_IOCGUSAGE, &u));
	CHECK(u.size == 1 && u.allocated == u.quantum && u.quantum != 128 && u.qset != 3);
	again = open(path, O_WRONLY);
	CHECK(again >= 0 && pwrite(again, "x", 1, 1000) == 1 && pwrite(again, "x", 1, 0) == 1);
	CHECK(!ioctl(fd, SCULL_IOCGUSAGE, &u));
	CHECK(u.size == 1001 && u.allocated == 256 && u.quantum == 128 && u.qset == 3);
	FAILS(ioctl(fd, SCULL_IOCGUSAGE, nowhere()), EFAULT);
	close(again);
	CHECK(!ioctl(fd, SCULL_IOCRESET));
	close(open(path, O_WRONLY));
}

/* What is no command of this device, or one of another size, or of another device. */
static void not_ours(int fd, int pipe)
{
	const unsigned long foreign[] = {
		_IOR(LINNET_IOC_SCULL, 5, __u64),
		_IOW(LINNET_IOC_SCULL, 5, __u32),
		_IO(LINNET_IOC_SCULL, 14),
		_IO(LINNET_IOC_SCULL, 255),
		_IOR(LINNET_IOC_KXO, 5, __u32),
		_IO('T', 1),
		SCULL_P_IOCQSIZE,
		0,
	};
	int n;

	for (unsigned int i = 0; i < COUNT_OF(foreign); i++)
		FAILS(ioctl(fd, foreign[i], &n), ENOTTY);
	FAILS(ioctl(pipe, SCULL_IOCQQUANTUM), ENOTTY);
	FAILS(ioctl(fd, FIONREAD, &n), ENOTTY);
}

static volatile sig_atomic_t signals;

static void on_signal(int signo)
{
	(void)signo;
	signals++;
}

/* On a pipe they change what happens: an empty one does not make wait, and tells of what comes. */
static void of_pipes(int pipe)
{
	int on = 1, off = 0;
	int64_t size;
	char byte;

	CHECK(!ioctl(pipe, FIONBIO, &on));
	FAILS(read(pipe, &byte, 1), EAGAIN);
	CHECK(!ioctl(pipe, FIONBIO, &off) && !(fcntl(pipe, F_GETFL) & O_NONBLOCK));
	CHECK(signal(SIGIO, on_signal) != SIG_ERR && !fcntl(pipe, F_SETOWN, getpid()));
	CHECK(!ioctl(pipe, FIOASYNC, &on) && (fcntl(pipe, F_GETFL) & O_ASYNC));
	CHECK(write(pipe, "x", 1) == 1 && signals > 0);
	CHECK(!ioctl(pipe, FIOASYNC, &off) && !(fcntl(pipe, F_GETFL) & O_ASYNC));
	signals = 0;
	CHECK(read(pipe, &byte, 1) == 1 && write(pipe, "x", 1) == 1 && signals == 0);
	CHECK(read(pipe, &byte, 1) == 1);
	FAILS(ioctl(pipe, FIOQSIZE, &size), ENOTTY);
	FAILS(ioctl(pipe, FIONBIO, nowhere()), EFAULT);
}

/* Whether a program that is executed still has the file. */
static bool is_inherited(int fd)
{
	char path[40];
	int status;
	pid_t child = fork();

	CHECK(child >= 0);
	if (!child) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		execl("/bin/busybox", "test", "-e", path, NULL);
		_exit(99);
	}
	CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) < 2);
	return WEXITSTATUS(status) == 0;
}

/* These the kernel does by itself, or with what the driver gives it. */
static void of_all_files(int fd)
{
	int on = 1, off = 0;
	int64_t size;

	CHECK(!ioctl(fd, FIOCLEX) && !is_inherited(fd));
	CHECK(!ioctl(fd, FIONCLEX) && is_inherited(fd));
	CHECK(!ioctl(fd, FIONBIO, &on) && (fcntl(fd, F_GETFL) & O_NONBLOCK));
	CHECK(!ioctl(fd, FIONBIO, &off) && !(fcntl(fd, F_GETFL) & O_NONBLOCK));
	FAILS(ioctl(fd, FIOASYNC, &on), ENOTTY); /* nothing happens by itself there */
	FAILS(ioctl(fd, FIOQSIZE, &size), ENOTTY);
}

static void pipes(int pipe)
{
	int n = 0, first = ioctl(pipe, SCULL_P_IOCQSIZE);

	CHECK(first >= 4096);
	CHECK(write(pipe, "hello", 5) == 5 && !ioctl(pipe, FIONREAD, &n) && n == 5);
	FAILS(ioctl(pipe, FIONREAD, nowhere()), EFAULT);
	CHECK(!ioctl(pipe, SCULL_P_IOCTSIZE, 9000) && ioctl(pipe, SCULL_P_IOCQSIZE) == 16384);
	FAILS(ioctl(pipe, SCULL_P_IOCTSIZE, 0), EINVAL);
	FAILS(ioctl(pipe, SCULL_P_IOCTSIZE, (1 << 20) + 1), EINVAL);
	FAILS(ioctl(pipe, SCULL_P_IOCTSIZE, -1L), EINVAL);
	CHECK(!ioctl(pipe, SCULL_P_IOCTSIZE, first) && ioctl(pipe, SCULL_P_IOCQSIZE) == first);
	CHECK(!ioctl(pipe, FIONREAD, &n) && n == 5);
}

/* An ordinary user may look and not touch. */
static void without_capability(int fd, int pipe)
{
	uint32_t value = 100;
	int status;
	pid_t child = fork();

	CHECK(child >= 0);
	if (child) {
		CHECK(waitpid(child, &status, 0) == child && status == 0);
		return;
	}
	become(1000);
	for (int i = 0; i < 2; i++) {
		const struct dimension *d = &dimensions[i];

		FAILS(ioctl(fd, d->set, &value), EPERM);
		FAILS(ioctl(fd, d->tell, 100), EPERM);
		FAILS(ioctl(fd, d->exchange, &value), EPERM);
		FAILS(ioctl(fd, d->shift, 100), EPERM);
		CHECK(ioctl(fd, d->query) > 0 && !ioctl(fd, d->get, &value));
	}
	FAILS(ioctl(fd, SCULL_IOCRESET), EPERM);
	FAILS(ioctl(pipe, SCULL_P_IOCTSIZE, 8192), EPERM);
	CHECK(ioctl(pipe, SCULL_P_IOCQSIZE) > 0);
	exit(0);
}

int main(int argc, char **argv)
{
	const char *sysfs = argc > 3 ? argv[3] : NULL;
	int fd, pipe;

	if (argc < 3)
		return 2;
	fd = open(argv[1], O_RDWR | O_TRUNC);
	pipe = open(argv[2], O_RDWR);
	CHECK(fd >= 0 && pipe >= 0);
	for (int i = 0; i < 2; i++) {
		forms(fd, &dimensions[i], sysfs);
		bounds(fd, &dimensions[i], sysfs);
	}
	usage(fd, argv[1]);
	not_ours(fd, pipe);
	of_all_files(fd);
	of_pipes(pipe);
	pipes(pipe);
	without_capability(fd, pipe);
	return 0;
}
