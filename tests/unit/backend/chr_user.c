/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "backend/chr.h"
#include "base/loop.h"
#include "chr_user.h"

static size_t user_input(void *user, const uint8_t *buf, size_t len)
{
	struct chr_user *u = user;
	size_t take = len;

	assert_true(len > 0);
	assert_int_equal(u->ends, 0);
	if (take > u->room - u->n_got)
		take = u->room - u->n_got;
	if (u->limit && take > u->limit)
		take = u->limit;
	memcpy(u->got + u->n_got, buf, take);
	u->n_got += take;
	return take;
}

static void user_end(void *user)
{
	struct chr_user *u = user;

	u->ends++;
}

static void user_writable(void *user)
{
	struct chr_user *u = user;

	u->writables++;
}

static const struct chr_user_ops user_ops = {
	.input = user_input,
	.input_end = user_end,
	.writable = user_writable,
};

void chr_user_init(struct chr_user *u, struct loop *loop, struct chr *c, size_t room)
{
	u->chr = c;
	u->loop = loop;
	u->room = room;
	u->got = malloc(room + 1);
	assert_non_null(u->got);
	chr_attach(c, &user_ops, u);
	if (room)
		chr_want_input(c, true);
}

void chr_user_fini(struct chr_user *u)
{
	chr_free(u->chr);
	free(u->got);
}

void chr_user_wait(struct chr_user *u, size_t n)
{
	while (u->n_got < n && !u->ends) {
		chr_want_input(u->chr, true);
		assert_true(loop_turn(u->loop, -1) >= 0);
	}
	assert_int_equal(u->n_got, n);
}

void chr_user_wait_end(struct chr_user *u)
{
	while (!u->ends) {
		chr_want_input(u->chr, true);
		assert_true(loop_turn(u->loop, -1) >= 0);
	}
	loop_settle(u->loop);
	assert_int_equal(u->ends, 1);
}

int chr_user_write(struct chr_user *u, const void *buf, size_t len)
{
	const uint8_t *p = buf;
	unsigned before;
	ssize_t n;

	while (len) {
		before = u->writables;
		n = chr_write(u->chr, p, len);
		assert_int_equal(u->writables, before); /* never from inside */
		if (n < 0)
			return (int)n;
		p += n;
		len -= (size_t)n;
		while (len && u->writables == before)
			assert_true(loop_turn(u->loop, -1) >= 0);
	}
	return 0;
}

void loop_settle(struct loop *loop)
{
	int n = 1;

	for (int i = 0; i < 1000 && n > 0; i++)
		n = loop_turn(loop, 0);
	assert_int_equal(n, 0);
}
