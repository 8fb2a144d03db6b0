/* SPDX-License-Identifier: MIT */
/*
 * Front ends that commit one sin against the protocol. Each is hung up on, with a reason, and
 * leaves nothing behind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bits.h"
#include "rig.h"
#include "virtio/spec.h"

static void expect_end(struct world *w, const char *why)
{
	front_turn(&w->f);
	assert_true(w->ended);
	assert_non_null(strstr(w->why, why));
	assert_true(front_is_closed(&w->f));
}

static void sin_version(struct world *w)
{
	front_say(&w->f, VU_GET_FEATURES, VU_VERSION_MASK ^ VU_VERSION, NULL, 0, -1);
}

static void sin_reply(struct world *w)
{
	front_say(&w->f, VU_GET_FEATURES, VU_REPLY, NULL, 0, -1);
}

static void sin_huge(struct world *w)
{
	const struct vu_header h = {
		.request = VU_GET_FEATURES, .flags = VU_VERSION, .size = UINT32_MAX};

	assert_int_equal(send(w->f.fd, &h, sizeof(h), 0), sizeof(h));
}

static void sin_unknown(struct world *w)
{
	front_say(&w->f, 6, 0, NULL, 0, -1);
}

static void sin_far(struct world *w)
{
	front_say(&w->f, UINT32_MAX, 0, NULL, 0, -1);
}

static void sin_length(struct world *w)
{
	front_say(&w->f, VU_SET_OWNER, 0, "abcd", 4, -1);
}

static void sin_fd(struct world *w)
{
	front_say(&w->f, VU_SET_OWNER, 0, NULL, 0, w->f.kick_fd);
}

static void sin_many_fds(struct world *w)
{
	const struct vu_header h = {.request = VU_SET_OWNER, .flags = VU_VERSION};
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(40 * sizeof(int))];
	} control = {0};
	struct iovec iov = {(void *)(uintptr_t)&h, sizeof(h)};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = &control,
			   .msg_controllen = sizeof(control)};
	int fds[40];

	for (unsigned i = 0; i < 40; i++)
		fds[i] = w->f.kick_fd;
	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(&control.head), fds, sizeof(fds));
	assert_int_equal(sendmsg(w->f.fd, &m, 0), sizeof(h));
}

static void sin_no_fd(struct world *w)
{
	front_u64(&w->f, VU_SET_VRING_CALL, 0, -1);
}

static void sin_both(struct world *w)
{
	front_u64(&w->f, VU_SET_VRING_CALL, VU_VRING_NO_FD, w->f.call_fd);
}

static void sin_polling(struct world *w)
{
	front_u64(&w->f, VU_SET_VRING_KICK, VU_VRING_NO_FD, -1);
}

static void sin_kick_kind(struct world *w)
{
	int fd = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	front_u64(&w->f, VU_SET_VRING_KICK, 0, fd);
	close(fd);
}

static void sin_index(struct world *w)
{
	front_state(&w->f, VU_SET_VRING_NUM, TOY_QUEUES, 16);
}

static void sin_fd_index(struct world *w)
{
	front_u64(&w->f, VU_SET_VRING_CALL, TOY_QUEUES, w->f.call_fd);
}

static void sin_features(struct world *w)
{
	front_u64(&w->f, VU_SET_FEATURES, VIRTIO_F_VERSION_1 | BIT(50), -1);
}

static void sin_legacy(struct world *w)
{
	front_u64(&w->f, VU_SET_FEATURES, TOY_FEATURE, -1);
}

static void sin_protocol(struct world *w)
{
	front_u64(&w->f, VU_SET_PROTOCOL_FEATURES, BIT(13), -1);
}

static void sin_no_size(struct world *w)
{
	front_state(&w->f, VU_SET_VRING_NUM, 0, 0);
}

static void sin_large(struct world *w)
{
	front_state(&w->f, VU_SET_VRING_NUM, 0, 65536);
}

static void sin_mtu(struct world *w)
{
	front_u64(&w->f, VU_NET_SET_MTU, 0x10044, -1);
}

static void sin_config(struct world *w)
{
	struct vu_config c = {.size = UINT32_MAX};

	front_say(&w->f, VU_GET_CONFIG, 0, &c, sizeof(c), -1);
}

static void sin_ring_size(struct world *w)
{
	front_begin(&w->f, 0);
	front_state(&w->f, VU_SET_VRING_NUM, 0, 12);
	w->f.ring.size = 12;
	front_ring(&w->f, 0, 0);
	front_state(&w->f, VU_SET_VRING_NUM, 0, 12);
}

static void sin_ring_place(struct world *w)
{
	front_begin(&w->f, 0);
	w->f.ring.used = FRONT_RAM + FRONT_RAM_SIZE;
	front_ring(&w->f, 0, 0);
}

static void sin_ring_end(struct world *w)
{
	front_begin(&w->f, 0);
	w->f.ring.desc = FRONT_RAM + FRONT_RAM_SIZE - 16;
	front_ring(&w->f, 0, 0);
}

static void sin_no_memory(struct world *w)
{
	front_u64(&w->f, VU_SET_FEATURES, VIRTIO_F_VERSION_1, -1);
	front_ring(&w->f, 0, 0);
}

static void sin_packed_base(struct world *w)
{
	front_begin(&w->f, VIRTIO_F_RING_PACKED);
	front_ring(&w->f, 0, FRONT_SIZE);
}

static void give(struct world *w, struct vu_region r, uint32_t n, int fd)
{
	const struct vu_region both[2] = {r, r};

	front_memory(&w->f, 0, both, n, fd);
}

static void sin_unsealed(struct world *w)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_int_equal(ftruncate(fd, 4096), 0);
	give(w, (struct vu_region){.size = 4096}, 1, fd);
	close(fd);
}

static void sin_file(struct world *w)
{
	give(w, (struct vu_region){.size = 4096}, 1, w->f.kick_fd);
}

static void sin_overlap(struct world *w)
{
	give(w, (struct vu_region){.size = 4096}, 2, w->f.mem->region[0].fd);
}

static void sin_short(struct world *w)
{
	give(w, (struct vu_region){.size = FRONT_RAM_SIZE, .offset = 4096}, 1,
	     w->f.mem->region[0].fd);
}

static void sin_offset(struct world *w)
{
	give(w, (struct vu_region){.size = 4096, .offset = -4096ull}, 1, w->f.mem->region[0].fd);
}

static void sin_unaligned(struct world *w)
{
	give(w, (struct vu_region){.size = 4096, .offset = 100}, 1, w->f.mem->region[0].fd);
}

static void sin_wraps(struct world *w)
{
	give(w, (struct vu_region){.guest_addr = -4096ull, .size = 8192}, 1,
	     w->f.mem->region[0].fd);
}

static void sin_table(struct world *w)
{
	struct vu_memory m = {.n = 9};

	front_say(&w->f, VU_SET_MEM_TABLE, 0, &m, sizeof(m), w->f.mem->region[0].fd);
}

static void test_sins(void **state)
{
	static const struct {
		void (*commit)(struct world *w);
		const char *why;
	} sins[] = {
		{sin_version, "makes no sense"},
		{sin_reply, "makes no sense"},
		{sin_huge, "makes no sense"},
		{sin_unknown, "not agreed on"},
		{sin_far, "not agreed on"},
		{sin_length, "makes no sense"},
		{sin_fd, "makes no sense"},
		{sin_many_fds, "makes no sense"},
		{sin_no_fd, "makes no sense"},
		{sin_both, "makes no sense"},
		{sin_polling, "without an eventfd"},
		{sin_kick_kind, "without an eventfd"},
		{sin_index, "makes no sense"},
		{sin_fd_index, "makes no sense"},
		{sin_features, "not offered"},
		{sin_legacy, "before virtio 1.0"},
		{sin_protocol, "not offered"},
		{sin_no_size, "size that cannot be"},
		{sin_large, "size that cannot be"},
		{sin_mtu, "MTU"},
		{sin_config, "makes no sense"},
		{sin_ring_size, "ring that cannot be"},
		{sin_ring_place, "outside of its memory"},
		{sin_ring_end, "ring that cannot be"},
		{sin_no_memory, "outside of its memory"},
		{sin_packed_base, "ring that cannot be"},
		{sin_unsealed, "sealed"},
		{sin_file, "sealed"},
		{sin_overlap, "memory table"},
		{sin_short, "memory table"},
		{sin_offset, "memory table"},
		{sin_unaligned, "memory table"},
		{sin_wraps, "memory table"},
		{sin_table, "memory table"},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(sins); i++) {
		struct world *w = *state;

		sins[i].commit(w);
		expect_end(w, sins[i].why);
		rig_teardown(state);
		rig_setup(state);
	}
}

/* An error is acknowledged before the end, to who has asked for that. */
static void test_refusal(void **state)
{
	struct world *w = *state;
	const struct vu_region r = {.size = 100};
	union vu_payload p;

	front_begin(&w->f, 0);
	front_memory(&w->f, VU_NEED_REPLY, &r, 1, w->f.mem->region[0].fd);
	assert_int_equal(front_hear(&w->f, VU_SET_MEM_TABLE, &p), sizeof(p.u64));
	assert_int_equal(p.u64, 1);
	expect_end(w, "memory table");
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {T(test_sins), T(test_refusal)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
