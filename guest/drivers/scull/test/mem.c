// SPDX-License-Identifier: GPL-2.0
/* scull-mem DEVICE: what a store does, call by call. The device has quanta of a page, ten in a set,
 * and may take 4 MiB.
 */
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <testing/check.h>

#define PAGE  4096
#define SET   (10 * PAGE)
#define LIMIT (4 << 20)

static uint8_t pattern[3 * SET], back[3 * SET];

static int reopen(int fd, const char *path, int flags)
{
	if (fd >= 0)
		close(fd);
	fd = open(path, flags);
	CHECK(fd >= 0);
	return fd;
}

/* A request is not cut at the end of a quantum or a set. */
static void whole_requests(const char *path)
{
	struct iovec parts[3] = {{back, 5}, {back + 5, SET}, {back + 5 + SET, PAGE}};
	int fd = reopen(-1, path, O_RDWR | O_TRUNC);

	CHECK(pwrite(fd, pattern, sizeof(pattern), 100) == sizeof(pattern));
	CHECK(pread(fd, back, sizeof(back), 100) == sizeof(back));
	CHECK(!memcmp(pattern, back, sizeof(back)));
	CHECK(lseek(fd, 100, SEEK_SET) == 100);
	memset(back, 0, sizeof(back));
	CHECK(readv(fd, parts, 3) == 5 + SET + PAGE);
	CHECK(!memcmp(pattern, back, 5 + SET + PAGE));
	CHECK(pread(fd, back, 1000, sizeof(pattern) + 90) == 10);
	CHECK(pread(fd, back, 1000, sizeof(pattern) + 100) == 0);
	CHECK(pread(fd, back, 1000, INT64_MAX - 2000) == 0);
	FAILS(pread(fd, back, 10, -1), EINVAL);
	FAILS(read(fd, nowhere(), 1000), EFAULT);
	FAILS(write(fd, nowhere(), 1000), EFAULT);
	close(fd);
}

/* Who may only write begins anew, unless what is written is to be appended. */
static void opens(const char *path)
{
	int fd = reopen(-1, path, O_WRONLY);

	CHECK(write(fd, "one", 3) == 3);
	fd = reopen(fd, path, O_WRONLY | O_APPEND);
	CHECK(write(fd, "two", 3) == 3);
	fd = reopen(fd, path, O_RDWR);
	CHECK(read(fd, back, 100) == 6 && !memcmp(back, "onetwo", 6));
	FAILS(ftruncate(fd, 0), EINVAL);
	fd = reopen(fd, path, O_WRONLY);
	CHECK(lseek(fd, 0, SEEK_END) == 0);
	FAILS(read(fd, back, 1), EBADF);
	fd = reopen(fd, path, O_RDWR);
	CHECK(write(fd, "x", 1) == 1);
	fd = reopen(fd, path, O_RDWR | O_TRUNC);
	CHECK(lseek(fd, 0, SEEK_END) == 0);
	close(fd);
}

/* Three bytes in quantum 0, one quantum in set 2, one byte far away. */
static void seeks(const char *path)
{
	const off_t far = (off_t)1 << 50, data = 2 * SET + 3 * PAGE;
	int fd = reopen(-1, path, O_RDWR | O_TRUNC);

	FAILS(lseek(fd, 0, SEEK_DATA), ENXIO);
	FAILS(lseek(fd, 0, SEEK_HOLE), ENXIO);
	CHECK(write(fd, "abc", 3) == 3);
	CHECK(lseek(fd, 0, SEEK_HOLE) == 3); /* the end counts as one */
	CHECK(pwrite(fd, pattern, PAGE, data) == PAGE);
	CHECK(pwrite(fd, "x", 1, far) == 1);
	CHECK(lseek(fd, 0, SEEK_END) == far + 1);
	CHECK(lseek(fd, -1, SEEK_CUR) == far);
	CHECK(lseek(fd, 5, SEEK_END) == far + 6);
	CHECK(lseek(fd, 7, SEEK_SET) == 7);
	FAILS(lseek(fd, -8, SEEK_CUR), EINVAL);
	FAILS(lseek(fd, -1, SEEK_SET), EINVAL);
	CHECK(lseek(fd, 0, SEEK_CUR) == 7);
	CHECK(lseek(fd, 2, SEEK_DATA) == 2);
	CHECK(lseek(fd, 0, SEEK_HOLE) == PAGE);
	CHECK(lseek(fd, PAGE, SEEK_DATA) == data);
	CHECK(lseek(fd, data + 5, SEEK_DATA) == data + 5);
	CHECK(lseek(fd, data, SEEK_HOLE) == data + PAGE);
	CHECK(lseek(fd, data + PAGE, SEEK_DATA) == far / PAGE * PAGE);
	CHECK(lseek(fd, far, SEEK_HOLE) == far + 1);
	FAILS(lseek(fd, far + 1, SEEK_DATA), ENXIO);
	FAILS(lseek(fd, -1, SEEK_HOLE), ENXIO);
	FAILS(lseek(fd, 0, 99), EINVAL);
	memset(back, 1, sizeof(back));
	CHECK(pread(fd, back, SET, PAGE + 50) == SET);
	for (int i = 0; i < SET; i++)
		CHECK(back[i] == 0);
	close(fd);
}

/* The limit is for what is stored; what was written stays. */
static void limits(const char *path)
{
	int fd = reopen(-1, path, O_RDWR | O_TRUNC);
	off_t pos = 0;
	ssize_t n;

	while ((n = pwrite(fd, pattern, sizeof(pattern), pos)) == sizeof(pattern))
		pos += n;
	if (n > 0)
		pos += n;
	FAILS(pwrite(fd, pattern, PAGE, pos), ENOSPC);
	CHECK(pos > LIMIT * 9 / 10 && pos <= LIMIT);
	CHECK(lseek(fd, 0, SEEK_END) == pos);
	CHECK(pwrite(fd, "again", 5, 10) == 5);
	fd = reopen(fd, path, O_RDWR | O_TRUNC);
	CHECK(pwrite(fd, pattern, PAGE, 0) == PAGE);
	close(fd);
}

/* The child is killed by SIGBUS when it touches the byte. */
static void is_bus_error(volatile uint8_t *p)
{
	pid_t child = fork();
	int status;

	CHECK(child >= 0);
	if (!child) {
		(void)*p;
		_exit(0);
	}
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
}

static void mappings(const char *path)
{
	int fd = reopen(-1, path, O_RDWR | O_TRUNC), other;
	uint8_t *shared, *private;

	CHECK(pwrite(fd, pattern, PAGE + 10, PAGE) == PAGE + 10);
	shared = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	private = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, PAGE);
	CHECK(shared != MAP_FAILED && private != MAP_FAILED);
	CHECK(shared[5] == 0); /* the hole */
	CHECK(!memcmp(shared + PAGE, pattern, PAGE + 10));
	shared[PAGE + 1] ^= 0xff;
	CHECK(pread(fd, back, 1, PAGE + 1) == 1 && (back[0] ^ pattern[1]) == 0xff);
	CHECK(pwrite(fd, pattern, PAGE, PAGE) == PAGE && shared[PAGE + 1] == pattern[1]);
	private[0] ^= 0xff;
	CHECK(shared[PAGE] == pattern[0]);
	is_bus_error(shared + 3 * PAGE);
	FAILS(open(path, O_WRONLY), EBUSY); /* not from under it */
	/* Read into a mapping of itself, of pages that no one has touched. */
	CHECK(pwrite(fd, "", 1, 5 * SET - 1) == 1);
	munmap(shared, 4 * PAGE);
	munmap(private, PAGE);
	shared = mmap(NULL, 2 * SET, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 2 * SET);
	CHECK(shared != MAP_FAILED);
	CHECK(pread(fd, shared, SET, PAGE) == SET && !memcmp(shared, pattern, PAGE + 10));
	CHECK(pwrite(fd, shared + SET, SET, 0) == SET);
	close(fd);
	FAILS(open(path, O_WRONLY), EBUSY);
	munmap(shared, 2 * SET);
	other = reopen(-1, path, O_WRONLY);
	close(other);
}

/* From the device to a file, to itself elsewhere, and by pipes. */
static void splices(const char *path)
{
	char name[] = "/tmp/spliceXXXXXX";
	int fd = reopen(-1, path, O_RDWR | O_TRUNC), file = mkstemp(name), ends[2];
	loff_t in = 0, out = 5 * PAGE + 1;

	CHECK(file >= 0 && !pipe(ends) && !unlink(name));
	CHECK(pwrite(fd, pattern, SET, 0) == SET);
	for (ssize_t n, done = 0; done < SET; done += n) {
		n = sendfile(file, fd, &in, SET - done);
		CHECK(n > 0);
	}
	CHECK(pread(file, back, SET, 0) == SET && !memcmp(back, pattern, SET));
	in = 0;
	CHECK(splice(file, &in, ends[1], NULL, 2 * PAGE, 0) == 2 * PAGE);
	for (ssize_t n, done = 0; done < 2 * PAGE; done += n) {
		n = splice(ends[0], NULL, fd, &out, 2 * PAGE - done, 0);
		CHECK(n > 0);
	}
	CHECK(pread(fd, back, 2 * PAGE, 5 * PAGE + 1) == 2 * PAGE);
	CHECK(!memcmp(back, pattern, 2 * PAGE));
	CHECK(splice(fd, NULL, ends[1], NULL, 100, 0) == 100);
	CHECK(read(ends[0], back, 200) == 100 && !memcmp(back, pattern, 100));
	close(ends[0]);
	close(ends[1]);
	close(file);
	close(fd);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = (uint8_t)(i * 7 + i / 253 + 1);
	whole_requests(argv[1]);
	opens(argv[1]);
	seeks(argv[1]);
	limits(argv[1]);
	mappings(argv[1]);
	splices(argv[1]);
	return 0;
}
