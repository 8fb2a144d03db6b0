/* SPDX-License-Identifier: MIT */
/*
 * qcow2 images. What opens must read the same in any pieces, and twice.
 *
 * A backing file cannot be had: names of the input are made relative to a folder that is not there.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backend/qcow2.h"
#include "base/err.h"
#include "require.h"

#define READ_MAX  (256u << 10)
#define INPUT_MAX (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Two readings of [offset, offset + len): at once, and in pieces of odd lengths. */
static void compare(const struct qcow2 *q, uint64_t offset, size_t len, uint64_t seed)
{
	static uint8_t whole[READ_MAX], pieces[READ_MAX];
	struct iovec iov = {whole, len};
	int ret;

	memset(whole, 0xaa, len);
	memset(pieces, 0xbb, len);
	ret = qcow2_read(q, &iov, 1, offset);
	for (size_t at = 0; at < len;) {
		size_t n = 1 + (seed >> 33) % 5000;
		struct iovec two[2];

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		n = n < len - at ? n : len - at;
		two[0] = (struct iovec){pieces + at, n / 3};
		two[1] = (struct iovec){pieces + at + n / 3, n - n / 3};
		/* A part can only fail if the whole does. */
		require(!qcow2_read(q, two, 2, offset + at) || ret);
		at += n;
	}
	require(ret || !memcmp(whole, pieces, len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size + 1);
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	uint64_t name = 0, n;
	struct qcow2 *q;
	struct err e = {0};

	require(copy && fd >= 0);
	if (size)
		memcpy(copy, data, size);
	for (unsigned i = 8; i < 16 && size >= 16; i++)
		name = name << 8 | copy[i];
	if (name < size && copy[name] == '/')
		copy[name] = 'x';
	require(size < INPUT_MAX && write(fd, copy, size) == (ssize_t)size);
	(void)qcow2_is_magic(fd);
	if (!qcow2_open("/nonexistent/folder/image", fd, &q, &e)) {
		require(!e.text[0]);
		n = qcow2_size(q);
		require(n >= 512);
		compare(q, 0, n < READ_MAX ? n : READ_MAX, size);
		compare(q, n - 512, 1024, size);
		qcow2_free(q);
	} else {
		require(e.text[0]);
	}
	close(fd);
	free(copy);
	return 0;
}
