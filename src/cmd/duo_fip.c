/* SPDX-License-Identifier: MIT */
/*
 * A firmware is loaded as --small-core loads it, into memory that is the small core's alone, and
 * what is there then is what the board's loader shall put there: an ELF file with its zeroed data,
 * since nobody else zeroes that. The loader starts it at its first byte.
 *
 * The new file takes the place of the old one when it is complete, and not before.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "boot/fip.h"
#include "boot/image.h"
#include "cmd/duo.h"
#include "cmd/run_small.h"
#include "machine/duo_map.h"
#include "mem/gmem.h"

#define STATUS_USAGE 2

struct fip_options {
	const char *image, *out;
	struct run_small_core firmware;
};

static int firmware_option(void *ctx, const char *label, char *value, struct err *e)
{
	return run_small_core_parse(&((struct fip_options *)ctx)->firmware, label, value, e);
}

const struct opt duo_fip_options[] = {
	{.help = "Options of fip"},
	{.name = "small-core",
	 .arg = "F[@ADDRESS]",
	 .kind = OPT_CALL,
	 .call = firmware_option,
	 .help = "exchange the small core's firmware (ELF, flat)"},
	{.name = "output",
	 .letter = 'o',
	 .arg = "F",
	 .kind = OPT_STRING,
	 .offset = offsetof(struct fip_options, out),
	 .help = "write that file (default: IMAGE itself)"},
	{0},
};

/* ---- the firmware ---- */

/* How much memory the board gives to what runs there. */
static uint64_t room_at(uint64_t run)
{
	return run == DUO_RTOS_BASE ? DUO_RTOS_SIZE : DUO256M_RTOS_SIZE;
}

static int find_place(const struct fip *f, const struct run_small_core *fw, uint32_t *run,
		      struct err *e)
{
	uint64_t at = fw->at ? fw->at : f->part[FIP_BLCP_2ND].run;

	if (!at)
		return err_set(e, -EINVAL,
			       "has no firmware for the small core, so say where this one runs: "
			       "--small-core %s@%x on a Duo, @%x on a Duo 256M",
			       fw->path, DUO_RTOS_BASE, DUO256M_RTOS_BASE);
	if (at % GMEM_PAGE_SIZE || at < DUO_RAM_BASE || at + room_at(at) > UINT32_MAX)
		return err_set(e, -EINVAL,
			       "the firmware cannot run at %#" PRIx64 ": that is no page of the "
			       "board's memory",
			       at);
	*run = (uint32_t)at;
	return 0;
}

static int load_firmware(const struct gmem *m, const char *path, uint32_t run, struct image *image,
			 struct err *e)
{
	const struct image_request request = {
		.option = "--small-core", .path = path, .ram_base = run, .at = run, .flat = true};
	int ret = image_load(m, &request, image, e);

	if (ret == -E2BIG)
		return err_set(e, ret,
			       "--small-core %s: does not fit: the small core has %" PRIu64
			       " KiB at %#x",
			       path, room_at(run) >> 10, run);
	if (ret)
		return ret;
	if (image->kind == IMAGE_LINUX)
		return err_set(e, -ENOEXEC, "--small-core %s: is a Linux kernel", path);
	if (image->entry != run)
		return err_set(e, -ENOEXEC,
			       "--small-core %s: begins at %#" PRIx64 ", but the board starts what "
			       "it loads at its first byte, %#x",
			       path, image->entry, run);
	return 0;
}

static int exchange(const uint8_t *data, size_t len, const struct fip *f,
		    const struct run_small_core *fw, uint8_t **out, size_t *out_len, struct err *e)
{
	struct image image = {0};
	struct gmem *m;
	uint32_t run = 0;
	int ret = find_place(f, fw, &run, e);

	if (ret)
		return ret;
	ret = gmem_new(&m);
	if (ret)
		return err_set(e, ret, "out of memory");
	ret = gmem_add_ram(m, run, room_at(run));
	if (ret)
		err_set(e, ret, "out of memory");
	if (!ret)
		ret = load_firmware(m, fw->path, run, &image, e);
	if (!ret)
		ret = fip_exchange(data, len, f, gmem_map(m, run, 1), image.end - run, run, out,
				   out_len, e);
	gmem_free(m);
	return ret;
}

/* ---- files ---- */

static void print(const struct fip *f)
{
	printf("%-10s %10s %10s %10s  %s\n", "PART", "AT", "SIZE", "RUNS AT", "CHECK SUM");
	for (unsigned i = 0; i < FIP_N_PARTS; i++) {
		const struct fip_part *p = &f->part[i];
		char run[16] = "";

		if (p->run)
			snprintf(run, sizeof(run), "%#x", p->run);
		if (!p->size)
			printf("%-10s %10s\n", fip_part_name(i), "none");
		else if (fip_part_is_bad(p))
			printf("%-10s %#10x %#10x %10s  %#x, wrong: %#x\n", fip_part_name(i), p->at,
			       p->size, run, p->sum, p->real);
		else
			printf("%-10s %#10x %#10x %10s  %#x\n", fip_part_name(i), p->at, p->size,
			       run, p->sum);
	}
}

static int write_new(int fd, const char *like, const uint8_t *data, size_t len)
{
	struct stat st;
	int ret = fd_write_all(fd, data, len);

	if (!ret && (stat(like, &st) || fchmod(fd, st.st_mode & 0777) || fsync(fd)))
		ret = -errno;
	return ret;
}

/* With the permissions of the file that it was made out of. */
static int replace(const char *path, const char *like, const uint8_t *data, size_t len,
		   struct err *e)
{
	struct stat st;
	char *name;
	int fd, ret;

	if (!stat(path, &st) && !S_ISREG(st.st_mode))
		return err_set(e, -EINVAL, "%s: is no regular file", path);
	if (asprintf(&name, "%s.XXXXXX", path) < 0)
		return err_set(e, -ENOMEM, "out of memory");
	fd = mkostemp(name, O_CLOEXEC);
	ret = fd < 0 ? -errno : write_new(fd, like, data, len);
	if (!ret && rename(name, path))
		ret = -errno;
	if (ret && fd >= 0)
		(void)unlink(name);
	fd_close(&fd);
	free(name);
	return ret ? err_set(e, ret, "%s: %s", path, strerror(-ret)) : 0;
}

static int change(const struct fip_options *o, const uint8_t *data, size_t len, const struct fip *f,
		  struct err *e)
{
	uint8_t *new = NULL;
	size_t new_len = 0;
	int ret = exchange(data, len, f, &o->firmware, &new, &new_len, e);

	if (!ret)
		ret = replace(o->out ? o->out : o->image, o->image, new, new_len, e);
	free(new);
	return ret;
}

static int work(const struct fip_options *o, struct err *e)
{
	uint8_t *data;
	struct fip f;
	size_t len;
	int ret = fd_read_file(o->image, FIP_MAX, &data, &len);

	if (ret)
		return err_set(e, ret, "%s", strerror(-ret));
	ret = fip_parse(data, len, &f, e);
	if (!ret && !o->firmware.path)
		print(&f);
	if (!ret)
		ret = fip_check(&f, e);
	if (!ret && o->firmware.path)
		ret = change(o, data, len, &f, e);
	free(data);
	return ret;
}

/* Options may stand before and behind the file. */
static int parse(int argc, char **argv, struct fip_options *o, struct err *e)
{
	while (argc > 0) {
		int used, ret = opt_parse(duo_fip_options, o, argc, argv, &used, e);

		if (ret || used == argc)
			return ret;
		if (o->image)
			return err_set(e, -EINVAL, "%s: one IMAGE is enough", argv[used]);
		o->image = argv[used];
		argc -= used + 1;
		argv += used + 1;
	}
	return 0;
}

int duo_fip(int argc, char **argv)
{
	struct fip_options o = {.image = NULL};
	struct err e = {0};
	int ret = parse(argc - 1, argv + 1, &o, &e);

	if (ret == OPT_WANTS_HELP) {
		command_print_help(stdout, &duo_command);
		return EXIT_SUCCESS;
	}
	if (!ret && !o.image)
		ret = err_set(&e, -EINVAL, "fip: give IMAGE, a board's fip.bin");
	if (!ret && o.out && !o.firmware.path)
		ret = err_set(&e, -EINVAL, "--output %s: is for --small-core; add that", o.out);
	if (ret) {
		fprintf(stderr, "linnet duo: %s\n", e.text);
		return STATUS_USAGE;
	}
	ret = work(&o, &e);
	if (ret)
		fprintf(stderr, "linnet duo: %s: %s\n", o.image, e.text);
	return ret ? EXIT_FAILURE : EXIT_SUCCESS;
}
