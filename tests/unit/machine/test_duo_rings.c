/* SPDX-License-Identifier: MIT */
/* RPMsg's rings as a trace sees them, and what a guest may write there that makes no sense. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "lib/trace_file.h"
#include "machine/duo_rings.h"
#include "mem/gmem.h"
#include "rpmsg/proto.h"

#define RAM     0x80000000u
#define RINGS   (RAM + 0x100000u)
#define BUFFERS (RAM + 0x180000u)
#define KICK    0x10107u

struct fixture {
	struct trace_file file;
	struct gmem *mem;
	struct duo_rings rings;
};

static void begin(struct fixture *f, uint64_t base)
{
	memset(f, 0, sizeof(*f));
	trace_file_begin(&f->file);
	assert_int_equal(gmem_new(&f->mem), 0);
	assert_int_equal(gmem_add_ram(f->mem, RAM, 2u << 20), 0);
	duo_rings_init(&f->rings, f->mem, f->file.trace, base);
}

static const char *end(struct fixture *f)
{
	trace_file_end(&f->file);
	duo_rings_fini(&f->rings);
	gmem_free(f->mem);
	return f->file.text;
}

static uint8_t *at(struct fixture *f, unsigned ring, uint64_t offset)
{
	return gmem_map(f->mem, RINGS + ring * DUO_RINGS_STEP + offset, 16);
}

/* Descriptor `id` of a ring: a buffer with a message. */
static uint8_t *message(struct fixture *f, unsigned ring, unsigned id, uint32_t src, uint32_t dst,
			uint16_t len)
{
	uint64_t addr = BUFFERS + (ring * 256 + id) * 512;
	uint8_t *desc = at(f, ring, 16 * id), *p = gmem_map(f->mem, addr, 512);
	const struct rpmsg_header h = {.src = src, .dst = dst, .len = len};

	rpmsg_store32(desc, (uint32_t)addr);
	rpmsg_store32(desc + 8, 512);
	rpmsg_header_store(p, &h);
	return p + RPMSG_HEADER_SIZE;
}

static void show_to_small(struct fixture *f, unsigned index, unsigned id)
{
	rpmsg_store16(at(f, 1, 0x1000 + 4 + 2 * (index % 256)), (uint16_t)id);
	rpmsg_store16(at(f, 1, 0x1000 + 2), (uint16_t)(index + 1));
}

static void show_to_big(struct fixture *f, unsigned index, uint32_t id)
{
	rpmsg_store32(at(f, 0, 0x2000 + 4 + 8 * (index % 256)), id);
	rpmsg_store16(at(f, 0, 0x2000 + 2), (uint16_t)(index + 1));
}

static void test_messages(void **state)
{
	struct fixture f;
	uint8_t *name;

	begin(&f, RINGS);
	name = message(&f, 0, 7, 30, RPMSG_NS_ADDR, RPMSG_NS_SIZE);
	memcpy(name, "na\"me", 6);
	rpmsg_store32(name + RPMSG_NS_AT_ADDR, 30);
	show_to_big(&f, 0, 7);
	duo_rings_rung(&f.rings, 0x200011300); /* no kick: an LED */
	duo_rings_rung(&f.rings, KICK);
	duo_rings_rung(&f.rings, KICK);
	message(&f, 1, 255, 1024, 30, 4);
	message(&f, 1, 0, 1025, 31, 496);
	show_to_small(&f, 0, 255);
	show_to_small(&f, 1, 0);
	duo_rings_rung(&f.rings, KICK);
	assert_string_equal(end(&f),
			    "\"rpmsg\",\"to\":\"big\",\"src\":30,\"dst\":53,\"bytes\":40}\n"
			    "\"announce\",\"name\":\"na?me\",\"addr\":30,\"gone\":0}\n"
			    "\"rpmsg\",\"to\":\"small\",\"src\":1024,\"dst\":30,\"bytes\":4}\n"
			    "\"rpmsg\",\"to\":\"small\",\"src\":1025,\"dst\":31,\"bytes\":496}\n");
}

/* Made anew by Linux: both sides begin at 0 again. And the index wraps. */
static void test_anew(void **state)
{
	struct fixture f;

	begin(&f, RINGS);
	message(&f, 1, 3, 1, 2, 3);
	show_to_small(&f, 0, 3);
	duo_rings_rung(&f.rings, KICK);
	rpmsg_store16(at(&f, 1, 0x1002), 0);
	duo_rings_rung(&f.rings, KICK);
	message(&f, 1, 3, 4, 5, 6);
	show_to_small(&f, 0, 3);
	duo_rings_rung(&f.rings, KICK);
	f.rings.seen[1] = 0xffff;
	show_to_small(&f, 0xffff + 1, 3); /* 0xffff and 0 */
	rpmsg_store16(at(&f, 1, 0x1004 + 2 * 255), 3);
	duo_rings_rung(&f.rings, KICK);
	assert_string_equal(end(&f),
			    "\"rpmsg\",\"to\":\"small\",\"src\":1,\"dst\":2,\"bytes\":3}\n"
			    "\"rpmsg\",\"to\":\"small\",\"src\":4,\"dst\":5,\"bytes\":6}\n"
			    "\"rpmsg\",\"to\":\"small\",\"src\":4,\"dst\":5,\"bytes\":6}\n"
			    "\"rpmsg\",\"to\":\"small\",\"src\":4,\"dst\":5,\"bytes\":6}\n");
}

static void test_nonsense(void **state)
{
	struct fixture f;

	begin(&f, RINGS);
	show_to_small(&f, 999, 3); /* further than a ring is long */
	duo_rings_rung(&f.rings, KICK);
	show_to_small(&f, 1000, 256); /* no such descriptor */
	show_to_big(&f, 0, 0xffffffff);
	duo_rings_rung(&f.rings, KICK);
	rpmsg_store32(at(&f, 1, 16), RAM - 1); /* no such buffer */
	rpmsg_store32(at(&f, 1, 32), RAM + (2u << 20) - 511);
	show_to_small(&f, 1001, 1);
	show_to_small(&f, 1002, 2);
	duo_rings_rung(&f.rings, KICK);
	assert_string_equal(end(&f), "");
	begin(&f, RAM + (2u << 20) - 0x8000); /* the second ring is not in memory */
	duo_rings_rung(&f.rings, KICK);
	assert_string_equal(end(&f), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_anew),
		cmocka_unit_test(test_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
