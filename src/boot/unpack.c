/* SPDX-License-Identifier: MIT */
/*
 * Both libraries work alike: a state that is given input and room, and that takes and fills of each
 * as much as it can. A state may still hold output when it has taken all of the input.
 */
#include "boot/unpack.h"

#include <errno.h>
#include <stdlib.h>
#define ZLIB_CONST /* its next_in is const then */
#include <zlib.h>
#include <zstd.h>

#include "base/bits.h"

#define GZIP_ONLY (15 + 16) /* zlib's window bits: 32 KiB, gzip header and CRC wanted */
#define CHUNK_MAX (1u << 30)

static int gzip_new(void **state)
{
	z_stream *z = calloc(1, sizeof(*z));

	if (!z || inflateInit2(z, GZIP_ONLY) != Z_OK) {
		free(z);
		return -ENOMEM;
	}
	*state = z;
	return 0;
}

static int gzip_step(void *state, struct unpack_piece *p, bool *ended, const char **why)
{
	uInt in = (uInt)min_u64(p->in_len, CHUNK_MAX), out = (uInt)min_u64(p->out_len, CHUNK_MAX);
	z_stream *z = state;
	int ret;

	z->next_in = p->in;
	z->avail_in = in;
	z->next_out = p->out;
	z->avail_out = out;
	ret = inflate(z, Z_NO_FLUSH);
	p->in += in - z->avail_in;
	p->in_len -= in - z->avail_in;
	p->out += out - z->avail_out;
	p->out_len -= out - z->avail_out;
	*ended = ret == Z_STREAM_END;
	if (ret == Z_OK || ret == Z_STREAM_END || ret == Z_BUF_ERROR)
		return 0;
	*why = z->msg ? z->msg : "its gzip data cannot be unpacked";
	return -EINVAL;
}

static void gzip_free(void *state)
{
	(void)inflateEnd(state);
	free(state);
}

static int zstd_new(void **state)
{
	*state = ZSTD_createDStream();
	return *state ? 0 : -ENOMEM;
}

static int zstd_step(void *state, struct unpack_piece *p, bool *ended, const char **why)
{
	ZSTD_inBuffer in = {.src = p->in, .size = p->in_len};
	ZSTD_outBuffer out = {.dst = p->out, .size = p->out_len};
	size_t ret = ZSTD_decompressStream(state, &out, &in);

	p->in += in.pos;
	p->in_len -= in.pos;
	p->out += out.pos;
	p->out_len -= out.pos;
	*ended = ret == 0;
	if (!ZSTD_isError(ret))
		return 0;
	*why = ZSTD_getErrorName(ret);
	return -EINVAL;
}

static void zstd_free(void *state)
{
	(void)ZSTD_freeDStream(state);
}

const struct unpack_type unpack_types[] = {
	{"gzip", "\x1f\x8b", 2, gzip_new, gzip_step, gzip_free},
	{"zstd", "\x28\xb5\x2f\xfd", 4, zstd_new, zstd_step, zstd_free},
};

const unsigned unpack_n_types = ARRAY_SIZE(unpack_types);
