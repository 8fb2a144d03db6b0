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
	duo_rings_init(&f->rings, f->mem, f->file.trace, base, 0);
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

/* What nobody defines, and RPMsg-Lite uses one half of for its own. */
static void set_rest_of_header(uint8_t *payload)
{
	uint8_t *header = payload - RPMSG_HEADER_SIZE;

	rpmsg_store16(header + RPMSG_AT_FLAGS, 0x8001);
	rpmsg_store32(header + RPMSG_AT_RESERVED, 0x00ff0000);
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
	duo_rings_rung(&f.rings, LINK_TO_SMALL, true, 0x200011300); /* no kick: an LED */
	duo_rings_rung(&f.rings, LINK_TO_SMALL, true, KICK);
	duo_rings_rung(&f.rings, LINK_TO_SMALL, true, KICK);
	memcpy(message(&f, 1, 255, 1024, 30, 4), "\x01\x02\xfe\xff", 4);
	set_rest_of_header(message(&f, 1, 0, 1025, 31, 1));
	show_to_small(&f, 0, 255);
	show_to_small(&f, 1, 0);
	duo_rings_rung(&f.rings, LINK_TO_SMALL, true, KICK);
	assert_string_equal(
		end(&f),
		"\"rpmsg\",\"to\":\"big\",\"src\":30,\"dst\":53,\"bytes\":40,\"data\":\"6e6122"
		"6d650000000000000000000000000000000000000000000000000000001e00000000000000\"}\n"
		"\"announce\",\"name\":\"na?me\",\"addr\":30,\"gone\":0}\n"
		"\"ring\",\"to\":\"big\",\"available\":0,\"used\":1}\n"
		"\"rpmsg\",\"to\":\"small\",\"src\":1024,\"dst\":30,\"bytes\":4,\"data\":"
		"\"0102feff\"}\n"
		"\"rpmsg\",\"to\":\"small\",\"src\":1025,\"dst\":31,\"bytes\":1,"
		"\"flags\":\"0x8001\",\"reserved\":\"0xff0000\",\"data\":\"00\"}\n"
		"\"ring\",\"to\":\"small\",\"available\":2,\"used\":0}\n");
}

/* A header that promises more than a buffer holds. */
static void test_long(void **state)
{
	struct fixture f;
	const char *text;

	begin(&f, RINGS);
	memset(message(&f, 1, 3, 1, 2, 0xffff), 0xab, 496);
	show_to_small(&f, 0, 3);
	duo_rings_rung(&f.rings, LINK_TO_SMALL, true, KICK);
	text = strstr(end(&f), "\"bytes\":65535,\"data\":\"");
	assert_non_null(text);
	text += strlen("\"bytes\":65535,\"data\":\"");
	assert_int_equal(strspn(text, "ab"), 2 * 496);
	assert_memory_equal(text + 2 * (size_t)496, "\"}\n", 3);
}

#define SHORT(src, dst, len, data)                                                     \
	"\"rpmsg\",\"to\":\"small\",\"src\":" #src ",\"dst\":" #dst ",\"bytes\":" #len \
	",\"data\":\"" data "\"}\n"
#define RING(avail) "\"ring\",\"to\":\"small\",\"available\":" #avail ",\"used\":0}\n"

/* Made anew by Linux: both sides begin at 0 again. And the index wraps. */
static void test_anew(void **state)
{
	struct fixture f;

	begin(&f, RINGS);
	message(&f, 1, 3, 1, 2, 3);
	show_to_small(&f, 0, 3);
	duo_rings_rung(&f.rings, LINK_TO_SMALL, true, KICK);
	rpmsg_store16(at(&f, 1, 0x1002), 0);
	duo_rings_rung(&f.rings, LINK_TO_SMALL, true, KICK);
	message(&f, 1, 3, 4, 5, 2);
	show_to_small(&f, 0, 3);
	duo_rings_rung(&f.rings, LINK_TO_SMALL, true, KICK);
	f.rings.seen[1] = 0xffff;
	show_to_small(&f, 0xffff + 1, 3); /* 0xffff and 0 */
	rpmsg_store16(at(&f, 1, 0x1004 + 2 * 255), 3);
	duo_rings_rung(&f.rings, LINK_TO_SMALL, true, KICK);
	assert_string_equal(end(&f), SHORT(1, 2, 3, "000000") RING(1) RING(0) SHORT(4, 5, 2, "0000")
					     RING(1) SHORT(4, 5, 2, "0000") SHORT(4, 5, 2, "0000"));
}

static void test_nonsense(void **state)
{
	struct fixture f;

	begin(&f, RINGS);
	show_to_small(&f, 999, 3); /* further than a ring is long */
	duo_rings_rung(&f.rings, LINK_TO_SMALL, true, KICK);
	show_to_small(&f, 1000, 256); /* no such descriptor */
	show_to_big(&f, 0, 0xffffffff);
	duo_rings_rung(&f.rings, LINK_TO_SMALL, true, KICK);
	rpmsg_store32(at(&f, 1, 16), RAM - 1); /* no such buffer */
	rpmsg_store32(at(&f, 1, 32), RAM + (2u << 20) - 511);
	show_to_small(&f, 1001, 1);
	show_to_small(&f, 1002, 2);
	duo_rings_rung(&f.rings, LINK_TO_SMALL, true, KICK);
	assert_null(strstr(end(&f), "rpmsg"));
	begin(&f, RAM + (2u << 20) - 0x8000); /* the second ring is not in memory */
	duo_rings_rung(&f.rings, LINK_TO_SMALL, true, KICK);
	assert_string_equal(end(&f), "");
}

/* ---- what is seen without a trace ---- */

#define PAGE 0x1000u

/* As Linux sets the first ring up, with `num` buffers; a page of RAM that nobody has touched is in
 * between. */
static void make_rings(struct fixture *f, uint64_t base, uint32_t num)
{
	uint8_t *ring = gmem_map(f->mem, base, 0x8000);

	memset(ring, 0, 0x8000);
	for (uint32_t i = 0; i < num; i++) {
		rpmsg_store32(ring + 16 * (size_t)i, BUFFERS + 512 * i);
		rpmsg_store32(ring + 16 * (size_t)i + 8, 512);
		rpmsg_store16(ring + 16 * (size_t)i + 12, 2);
		rpmsg_store16(ring + 16 * num + 4 + 2 * (size_t)i, (uint16_t)i);
	}
	rpmsg_store16(ring + 16 * num + 2, (uint16_t)num);
}

static void announce(struct fixture *f, unsigned index)
{
	uint8_t *entry = at(f, 0, 0x2000 + 4 + 8 * (uint64_t)(index % 256));

	(void)message(f, 0, index % 256, 30, RPMSG_NS_ADDR, RPMSG_NS_SIZE);
	rpmsg_store16(at(f, 0, 16 * (uint64_t)(index % 256) + 12), 2);
	show_to_big(f, index, index % 256);
	rpmsg_store32(entry + 4, 56);
}

static struct link_facts seen(struct fixture *f, bool was_up)
{
	struct link_facts facts = {0};

	assert_int_equal(duo_rings_look(&f->rings, &facts), was_up);
	return facts;
}

static void give_back(struct fixture *f, unsigned index)
{
	rpmsg_store16(at(f, 0, PAGE + 2), (uint16_t)(256 + index));
}

static void test_counts(void **state)
{
	struct fixture f;
	struct link_facts facts;

	begin(&f, RINGS);
	duo_rings_rung(&f.rings, LINK_TO_BIG, true, 0); /* early */
	facts = seen(&f, false);
	assert_int_equal(facts.rings, 0);
	assert_int_equal(facts.early, 1);
	make_rings(&f, RINGS, 256);
	duo_rings_rung(&f.rings, LINK_TO_SMALL, true, KICK);
	duo_rings_rung(&f.rings, LINK_TO_SMALL, false, KICK);
	announce(&f, 0);
	duo_rings_rung(&f.rings, LINK_TO_BIG, true, 0);
	facts = seen(&f, false);
	assert_int_equal(facts.rings, RINGS);
	assert_int_equal(facts.num, 256);
	assert_int_equal(facts.early, 1);
	assert_int_equal(facts.announced, 1);
	assert_int_equal(facts.ring[LINK_TO_SMALL].kicks, 1);
	assert_int_equal(facts.ring[LINK_TO_SMALL].lost, 1);
	assert_int_equal(facts.ring[LINK_TO_BIG].kicks, 2);
	assert_int_equal(facts.ring[LINK_TO_BIG].messages, 1);
	assert_int_equal(facts.ring[LINK_TO_BIG].avail, 256);
	assert_int_equal(facts.ring[LINK_TO_BIG].used, 1);
	assert_int_equal(facts.unwritten, 0);
	give_back(&f, 1);
	assert_true(seen(&f, true).rings);
	/* The small core begins anew, and Linux does not. */
	duo_rings_started(&f.rings);
	facts = seen(&f, true);
	assert_int_equal(facts.ring[LINK_TO_BIG].used_at_start, 1);
	assert_int_equal(facts.announced + facts.early + facts.ring[LINK_TO_BIG].kicks, 0);
	/* Linux begins anew, and the small core counts on. */
	make_rings(&f, RINGS, 256);
	facts = seen(&f, true);
	assert_int_equal(facts.ring[LINK_TO_BIG].used_at_start, 0);
	announce(&f, 1);
	assert_int_equal(seen(&f, true).unwritten, 1);
	end(&f);
}

/* Rings are found in what of the memory was touched, and at no other place. */
static void test_find(void **state)
{
	struct fixture f;
	struct link_facts facts;

	begin(&f, RINGS);
	make_rings(&f, RAM + 0x40000, 64);
	facts = seen(&f, false);
	assert_int_equal(facts.rings, RAM + 0x40000);
	assert_int_equal(facts.usual, RINGS);
	assert_int_equal(facts.num, 64);
	assert_int_equal(facts.ring[LINK_TO_BIG].avail, 64);
	end(&f);
	begin(&f, RINGS);
	make_rings(&f, RINGS, 48); /* no power of two */
	assert_int_equal(seen(&f, false).rings, 0);
	make_rings(&f, RINGS, 256);
	rpmsg_store32(gmem_map(f.mem, RINGS + 4, 4), 1); /* no buffer is there */
	assert_int_equal(seen(&f, false).rings, 0);
	end(&f);
	/* Linux has filled in 64 of 256, and is at the next one. */
	begin(&f, RINGS);
	make_rings(&f, RINGS, 256);
	memset(at(&f, 0, 16 * 64), 0, 16 * (256 - 64));
	rpmsg_store32(at(&f, 0, 16 * 64), BUFFERS + 512 * 64);
	rpmsg_store16(at(&f, 0, PAGE + 2), 64);
	assert_int_equal(seen(&f, false).rings, 0);
	end(&f);
}

/* The used index of one who takes the ring for another. */
static void test_other(void **state)
{
	static const struct {
		uint16_t at;
		uint32_t align, num;
	} others[] = {
		{0x1208, 4, 0},    {0x1210, 16, 0},  {0x1240, 64, 0},
		{0x1800, 2048, 0}, {0x3000, 0, 512}, {0x5000, 0, 1024},
	};
	struct fixture f;

	for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct link_facts facts;

		begin(&f, RINGS);
		make_rings(&f, RINGS, 256);
		rpmsg_store16(at(&f, 0, others[i].at + 2u), 1);
		facts = seen(&f, false);
		assert_int_equal(facts.other_align, others[i].align);
		assert_int_equal(facts.other_num, others[i].num);
		end(&f);
	}
	begin(&f, RINGS);
	make_rings(&f, RINGS, 256);
	rpmsg_store32(at(&f, 0, PAGE), 1u << 16); /* flags and index, then a number and a length */
	rpmsg_store32(at(&f, 0, PAGE + 4), 0);
	rpmsg_store32(at(&f, 0, PAGE + 8), 56);
	assert_int_equal(seen(&f, false).other_num, LINK_FEWER);
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_long),   cmocka_unit_test(test_messages),
		cmocka_unit_test(test_anew),   cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_counts), cmocka_unit_test(test_find),
		cmocka_unit_test(test_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
