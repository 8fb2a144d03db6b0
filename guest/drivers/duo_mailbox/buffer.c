// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that both cores see, which messages tell of. A message has room for one number, so that is
 * the address of a descriptor: two words, address and length. Neither what a program gives us nor
 * what the other core wrote is believed: both ends of both things are compared with the memory that
 * there is.
 */
#include <linux/bitops.h>
#include <linux/device.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/of_reserved_mem.h>

#include "private.h"

/* Whether length bytes from address on are in the memory that programs map, and there are some. */
static bool inside(const struct duo_buffers *b, u64 address, u64 length)
{
	u64 first = b->base + PAGE_SIZE, end = b->base + b->size;

	return b->size && length && address >= first && address < end && length <= end - address;
}

int duo_buffers_init(struct duo_mailbox *mb)
{
	struct device_node *node = of_parse_phandle(mb->dev->of_node, "memory-region", 0);
	struct duo_buffers *b = &mb->buffers;
	struct reserved_mem *region;

	if (!node)
		return 0;
	region = of_reserved_mem_lookup(node);
	of_node_put(node);
	/* A message's number has 32 bits. */
	if (!region || region->size < 2 * PAGE_SIZE || !PAGE_ALIGNED(region->base | region->size) ||
	    region->base + region->size > U32_MAX)
		return dev_err_probe(mb->dev, -EINVAL, "memory-region is of no use for buffers\n");
	b->descriptor = devm_memremap(mb->dev, region->base, PAGE_SIZE, MEMREMAP_WC);
	if (IS_ERR(b->descriptor))
		return PTR_ERR(b->descriptor);
	b->base = region->base;
	b->size = region->size;
	return 0;
}

/* Private pages would be copies, which the other core does not see. */
int duo_buffers_mmap(struct duo_mailbox *mb, struct vm_area_struct *vma)
{
	const struct duo_buffers *b = &mb->buffers;

	if (!b->size)
		return -ENODEV;
	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	vma->vm_page_prot = pgprot_writecombine(vma->vm_page_prot);
	return vm_iomap_memory(vma, b->base + PAGE_SIZE, b->size - PAGE_SIZE);
}

int duo_buffer_describe(struct duo_mailbox *mb, u32 offset, u32 length, u32 *param)
{
	struct duo_buffers *b = &mb->buffers;
	u64 address = b->base + PAGE_SIZE + offset;
	unsigned int slot;

	if (!inside(b, address, length))
		return -ERANGE;
	do {
		slot = ffz(b->used);
		if (slot >= DUO_CHANNELS)
			return -EBUSY;
	} while (test_and_set_bit(slot, &b->used));
	WRITE_ONCE(b->descriptor[slot][0], cpu_to_le32(address));
	WRITE_ONCE(b->descriptor[slot][1], cpu_to_le32(length));
	*param = b->base + slot * sizeof(*b->descriptor);
	return 0;
}

/* Should the other core look at it once more, it finds a buffer all the same. */
void duo_buffer_free(struct duo_mailbox *mb, u32 param)
{
	struct duo_buffers *b = &mb->buffers;

	clear_bit((param - b->base) / sizeof(*b->descriptor), &b->used);
}

int duo_buffer_find(struct duo_mailbox *mb, u32 param, u32 *offset, u32 *length)
{
	struct duo_buffers *b = &mb->buffers;
	u64 slot = ((u64)param - b->base) / sizeof(*b->descriptor);
	u32 address;

	if (!b->size || param < b->base || param % sizeof(*b->descriptor) ||
	    slot >= PAGE_SIZE / sizeof(*b->descriptor))
		return -ERANGE;
	address = le32_to_cpu(READ_ONCE(b->descriptor[slot][0]));
	*length = le32_to_cpu(READ_ONCE(b->descriptor[slot][1]));
	if (!inside(b, address, *length))
		return -ERANGE;
	*offset = address - (b->base + PAGE_SIZE);
	return 0;
}
