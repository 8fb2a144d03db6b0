/* SPDX-License-Identifier: MIT */
/* Open drain: who is not called stays away from the wires, so nothing can collide. */
#include "hw/i2c_bus.h"

#include <errno.h>
#include <stddef.h>

void i2c_bus_fini(struct i2c_bus *b)
{
	for (unsigned i = 0; i < b->n_parts; i++)
		b->part[i]->ops->free(b->part[i]);
	*b = (struct i2c_bus){0};
}

static struct i2c_part *find(const struct i2c_bus *b, unsigned address)
{
	for (unsigned i = 0; i < b->n_parts; i++)
		if (b->part[i]->address == address)
			return b->part[i];
	return NULL;
}

int i2c_bus_attach(struct i2c_bus *b, struct i2c_part *p)
{
	if (find(b, p->address))
		return -EEXIST;
	if (b->n_parts == I2C_MAX_PARTS)
		return -ENOSPC;
	b->part[b->n_parts++] = p;
	return 0;
}

bool i2c_bus_start(struct i2c_bus *b, unsigned address, bool read)
{
	b->called = find(b, address);
	if (b->called)
		b->called->ops->start(b->called, read);
	return b->called;
}

bool i2c_bus_write(struct i2c_bus *b, uint8_t byte)
{
	return b->called && b->called->ops->write(b->called, byte);
}

uint8_t i2c_bus_read(struct i2c_bus *b)
{
	return b->called ? b->called->ops->read(b->called) : 0xff;
}

void i2c_bus_stop(struct i2c_bus *b)
{
	if (b->called)
		b->called->ops->stop(b->called);
	b->called = NULL;
}
