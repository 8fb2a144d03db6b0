/* SPDX-License-Identifier: MIT */
/*
 * One growing buffer. An entry is a header of 110 characters, the name with its NUL, and the data,
 * each padded to a multiple of 4 from the archive's beginning.
 *
 * A directory that exists in the guest already gets the mode that the archive says, so the modes of
 * those that are usually not 0755 are kept. Which directories this archive has made, it finds by
 * looking through itself: archives are small.
 */
#include "boot/cpio.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/fd.h"

#define HEADER_LEN 110
#define PATH_ROOM  1024 /* far below the 4096 at which Linux skips an entry */

struct cpio {
	uint8_t *data;
	size_t len, room;
	unsigned n; /* entries so far: inode numbers */
};

int cpio_new(struct cpio **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

void cpio_free(struct cpio *c)
{
	if (!c)
		return;
	free(c->data);
	free(c);
}

/* Makes room for n more bytes. */
static int reserve(struct cpio *c, size_t n)
{
	size_t room;
	uint8_t *p;

	if (c->room - c->len >= n)
		return 0;
	room = c->len + n + (c->len < 65536 ? 4096 : c->len / 4);
	p = realloc(c->data, room);
	if (!p)
		return -ENOMEM;
	c->data = p;
	c->room = room;
	return 0;
}

/* There is room. */
static void put(struct cpio *c, const void *p, size_t n)
{
	if (n)
		memcpy(c->data + c->len, p, n);
	c->len += n;
	while (c->len % 4)
		c->data[c->len++] = 0;
}

static int put_entry(struct cpio *c, const char *name, unsigned mode, const void *data, size_t len)
{
	const unsigned name_size = (unsigned)strlen(name) + 1;
	const unsigned fields[] = {
		c->n + 1, /* inode */
		mode,
		0,                     /* user */
		0,                     /* group */
		S_ISDIR(mode) ? 2 : 1, /* links */
		0,                     /* time */
		(unsigned)len,
		0,
		0,
		0,
		0, /* device numbers: the file's and a node's */
		name_size,
		0, /* check sum */
	};
	char header[HEADER_LEN + PATH_ROOM + 2] = "070701";
	int err = reserve(c, HEADER_LEN + name_size + len + 8);

	if (err)
		return err;
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		snprintf(header + 6 + 8 * i, 9, "%08X", fields[i]);
	memcpy(header + HEADER_LEN, name, name_size);
	put(c, header, HEADER_LEN + name_size);
	put(c, data, len);
	c->n++;
	return 0;
}

static unsigned header_field(const uint8_t *header, size_t i)
{
	char hex[9] = {0};

	memcpy(hex, header + 6 + 8 * i, 8);
	return (unsigned)strtoul(hex, NULL, 16);
}

static bool has_entry(const struct cpio *c, const char *name)
{
	for (size_t at = 0; at < c->len;) {
		size_t size = header_field(c->data + at, 6),
		       name_size = header_field(c->data + at, 11);

		if (!strcmp((const char *)c->data + at + HEADER_LEN, name))
			return true;
		at = align_up(at + HEADER_LEN + name_size, 4);
		at = align_up(at + size, 4);
	}
	return false;
}

/* Each root file system has these, and often as a symbolic link, which Linux would replace by the
 * directory of an archive: such a guest would lose all its programs. */
static bool may_be_link(const char *dir)
{
	static const char *const names[] = {"bin", "sbin", "lib", "usr/bin", "usr/sbin"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(dir, names[i]))
			return true;
	return false;
}

static int add_parents(struct cpio *c, const char *name)
{
	char dir[PATH_ROOM + 1];
	int err = 0;

	for (const char *p = strchr(name, '/'); p && !err; p = strchr(p + 1, '/')) {
		unsigned mode = S_IFDIR | 0755;

		memcpy(dir, name, (size_t)(p - name));
		dir[p - name] = 0;
		if (!strcmp(dir, "tmp") || !strcmp(dir, "var/tmp"))
			mode = S_IFDIR | 01777;
		else if (!strcmp(dir, "root"))
			mode = S_IFDIR | 0700;
		if (!may_be_link(dir) && !has_entry(c, dir))
			err = put_entry(c, dir, mode, NULL, 0);
	}
	return err;
}

/* What is wrong with a guest path; NULL: nothing. */
static const char *path_fault(const char *path)
{
	if (path[0] != '/')
		return "must be absolute: begin it with /";
	if (strlen(path) > PATH_ROOM)
		return "is too long";
	for (const char *p = path; *p == '/';) {
		size_t n = strcspn(++p, "/");

		if (!n)
			return p[0] ? "has an empty part" : "must end with a file's name";
		if ((n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
			return "must not contain . or ..";
		p += n;
	}
	return NULL;
}

int cpio_add_data(struct cpio *c, const char *guest_path, unsigned mode, const void *data,
		  size_t len, struct err *e)
{
	const char *fault = path_fault(guest_path);
	int err;

	if (fault)
		return err_set(e, -EINVAL, "--file: the guest's path '%s' %s", guest_path, fault);
	if (len > UINT32_MAX)
		return err_set(e, -EFBIG, "--file: %s would be larger than 4 GiB; use a --disk",
			       guest_path);
	err = add_parents(c, guest_path + 1);
	if (!err)
		err = put_entry(c, guest_path + 1, S_IFREG | (mode & 07777), data, len);
	if (err)
		return err_set(e, err, "--file: no memory for %s; use a --disk", guest_path);
	return 0;
}

int cpio_add_file(struct cpio *c, const char *host_path, const char *guest_path, struct err *e)
{
	struct stat st;
	uint8_t *data;
	size_t len;
	int err = stat(host_path, &st) ? -errno : 0;

	if (!err)
		err = fd_read_file(host_path, UINT32_MAX, &data, &len);
	if (err)
		return err_set(e, err, "--file %s:%s: the host's file cannot be read: %s",
			       host_path, guest_path, strerror(-err));
	err = cpio_add_data(c, guest_path, st.st_mode & 0111 ? 0755 : 0644, data, len, e);
	free(data);
	return err;
}

int cpio_finish(struct cpio *c, const void **data, size_t *len)
{
	int err = put_entry(c, "TRAILER!!!", 0, NULL, 0);

	*data = c->data;
	*len = c->len;
	return err;
}
