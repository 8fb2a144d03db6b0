/* SPDX-License-Identifier: MIT */
/* Requests one at a time, each waited for on the disk's own loop. */
#include "disk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/loop.h"

char disk_dir[] = "/tmp/linnet-block-XXXXXX";
char disk_image[64];

int disk_group_setup(void **state)
{
	if (!mkdtemp(disk_dir))
		return -1;
	(void)snprintf(disk_image, sizeof(disk_image), "%s/disk.img", disk_dir);
	return chmod(disk_dir, 0755);
}

int disk_group_teardown(void **state)
{
	(void)unlink(disk_image);
	return rmdir(disk_dir);
}

void disk_make_image(size_t len)
{
	uint8_t *bytes = malloc(len + 1);
	int fd = open(disk_image, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_non_null(bytes);
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(i / 512 + i % 512);
	assert_int_equal(fd_write_all(fd, bytes, len), 0);
	close(fd);
	free(bytes);
}

bool disk_has_direct(void)
{
	int fd = open(disk_image, O_RDONLY | O_DIRECT | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

void disk_open(struct disk *d, struct block_file_config config)
{
	struct err e = {0};
	int ret;

	config.path = disk_image;
	config.temp_dir = disk_dir;
	ret = block_file_open(&config, &d->block, &e);
	assert_string_equal(e.text, "");
	assert_int_equal(ret, 0);
	assert_int_equal(loop_new(&d->loop), 0);
	assert_int_equal(d->block->ops->open_queue(d->block, d->loop, &d->q), 0);
}

void disk_close(struct disk *d)
{
	d->q->ops->close(d->q);
	d->block->ops->free(d->block);
	loop_free(d->loop);
}

static void note_result(struct block_request *r, int result)
{
	*(int *)r->arg = result;
}

#define NOT_YET 1

static int run_request(struct disk *d, struct block_request *r)
{
	int result = NOT_YET, ret;

	r->done = note_result;
	r->arg = &result;
	ret = d->q->ops->submit(d->q, r);
	if (ret)
		return ret;
	assert_int_equal(result, NOT_YET); /* never inside submit */
	while (result == NOT_YET)
		assert_true(loop_turn(d->loop, -1) >= 0);
	return result;
}

int disk_io(struct disk *d, enum block_op op, uint64_t offset, const struct iovec *iov,
	    unsigned n_iov)
{
	struct block_request r = {.op = op, .offset = offset, .iov = iov, .n_iov = n_iov};

	return run_request(d, &r);
}

int disk_range(struct disk *d, enum block_op op, bool unmap, uint64_t offset, uint64_t length)
{
	struct block_request r = {.op = op, .unmap = unmap, .offset = offset, .length = length};

	return run_request(d, &r);
}

int disk_read(struct disk *d, uint64_t offset, void *buf, size_t len)
{
	return disk_io(d, BLOCK_READ, offset, &(struct iovec){buf, len}, 1);
}

int disk_write(struct disk *d, uint64_t offset, void *buf, size_t len)
{
	return disk_io(d, BLOCK_WRITE, offset, &(struct iovec){buf, len}, 1);
}
