/* SPDX-License-Identifier: MIT */
/* A list with a pointer to its end, and a sum that is checked before memory is taken. */
#include "backend/frame_list.h"

#include <stdlib.h>

#include "base/iov.h"

static size_t cost(size_t len)
{
	return sizeof(struct frame) + len;
}

void frame_list_init(struct frame_list *l, size_t max)
{
	*l = (struct frame_list){.max = max};
	l->last = &l->first;
}

void frame_list_clear(struct frame_list *l)
{
	while (l->first)
		free(frame_list_take(l));
}

bool frame_list_add(struct frame_list *l, const struct iovec *iov, unsigned n, size_t skip)
{
	size_t len = iov_len(iov, n);
	struct frame *f;

	if (len <= skip || l->bytes + cost(len - skip) > l->max)
		return false;
	len -= skip;
	f = malloc(cost(len));
	if (!f)
		return false;
	f->next = NULL;
	f->len = len;
	(void)iov_to_buf(iov, n, skip, f->bytes, len);
	*l->last = f;
	l->last = &f->next;
	l->bytes += cost(len);
	return true;
}

struct frame *frame_list_take(struct frame_list *l)
{
	struct frame *f = l->first;

	if (!f)
		return NULL;
	l->first = f->next;
	if (!l->first)
		l->last = &l->first;
	l->bytes -= cost(f->len);
	return f;
}

void frame_list_put_back(struct frame_list *l, struct frame *f)
{
	f->next = l->first;
	if (!l->first)
		l->last = &f->next;
	l->first = f;
	l->bytes += cost(f->len);
}
