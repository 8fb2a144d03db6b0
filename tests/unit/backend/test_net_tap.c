/* SPDX-License-Identifier: MIT */
/*
 * A TAP device in a network namespace of the test's own, with a packet socket at the host's end of
 * the cable. Frames of the tests have an Ethernet type that nobody else uses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backend/net.h"
#include "backend/net_tap.h"
#include "base/err.h"
#include "base/loop.h"

#define TYPE      0x88b5 /* IEEE 802: for experiments */
#define NAME      "tap0"
#define FRAME_MAX 2000

struct rig {
	struct loop *loop;
	struct net *net;
	struct net_queue *q;
	int host; /* the packet socket */
	/* As the guest: frames of TYPE with what is in front of them. */
	unsigned n_got, room; /* frames */
	size_t len;           /* of the last one */
	uint8_t got[FRAME_MAX];
	size_t skip; /* a header's length, if there is one */
	struct err e;
};

static uint16_t type_of(const uint8_t *frame)
{
	return (uint16_t)(frame[12] << 8 | frame[13]);
}

static bool guest_recv(void *user, const struct iovec *iov, unsigned n)
{
	struct rig *r = user;
	const uint8_t *bytes = iov->iov_base;

	assert_int_equal(n, 1);
	if (iov->iov_len > FRAME_MAX || type_of(bytes + r->skip) != TYPE)
		return true;
	if (r->n_got == r->room)
		return false;
	r->n_got++;
	r->len = iov->iov_len;
	memcpy(r->got, bytes, r->len);
	return true;
}

static const struct net_user_ops guest_ops = {.recv = guest_recv};

static void set_up(const char *name, bool up)
{
	struct ifreq ifr = {0};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	memcpy(ifr.ifr_name, name, strlen(name));
	assert_int_equal(ioctl(fd, SIOCGIFFLAGS, &ifr), 0);
	ifr.ifr_flags = (short)(up ? ifr.ifr_flags | IFF_UP : ifr.ifr_flags & ~IFF_UP);
	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &ifr), 0);
	close(fd);
}

/* A device that stays, or its end. 0 or -errno. */
static int make_device(const char *name, short kind, bool stays)
{
	struct ifreq ifr = {.ifr_flags = (short)(kind | IFF_NO_PI)};
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	int ret = fd < 0 ? -errno : 0;

	memcpy(ifr.ifr_name, name, strlen(name));
	if (!ret && ioctl(fd, TUNSETIFF, &ifr))
		ret = -errno;
	if (!ret && ioctl(fd, TUNSETPERSIST, stays ? 1ul : 0ul))
		ret = -errno;
	if (fd >= 0)
		close(fd);
	return ret;
}

static int setup(void **state)
{
	struct sockaddr_ll addr = {.sll_family = AF_PACKET, .sll_protocol = htons(TYPE)};
	struct rig *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	assert_int_equal(make_device(NAME, IFF_TAP, true), 0);
	set_up(NAME, true);
	assert_int_equal(loop_new(&r->loop), 0);
	assert_int_equal(net_tap_open(NAME, 1, &r->net, &r->e), 0);
	assert_int_equal(r->net->ops->open_queue(r->net, r->loop, &guest_ops, r, &r->q), 0);
	r->host = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(TYPE));
	addr.sll_ifindex = (int)if_nametoindex(NAME);
	assert_int_equal(bind(r->host, (struct sockaddr *)&addr, sizeof(addr)), 0);
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct rig *r = *state;

	if (r->q)
		r->q->ops->close(r->q);
	r->net->ops->free(r->net);
	loop_free(r->loop);
	close(r->host);
	free(r);
	return if_nametoindex(NAME) ? make_device(NAME, IFF_TAP, false) : 0;
}

static void fill(uint8_t *frame, size_t len, uint8_t mark)
{
	memset(frame, mark, len);
	memset(frame, 0xff, 6);
	frame[6] = 2;
	frame[12] = TYPE >> 8;
	frame[13] = TYPE & 0xff;
}

static void host_sends(struct rig *r, size_t len, uint8_t mark)
{
	uint8_t frame[FRAME_MAX];

	fill(frame, len, mark);
	assert_int_equal(send(r->host, frame, len, 0), len);
}

static ssize_t host_gets(struct rig *r, uint8_t *frame)
{
	struct pollfd p = {.fd = r->host, .events = POLLIN};

	assert_int_equal(poll(&p, 1, 20000), 1);
	return recv(r->host, frame, FRAME_MAX, 0);
}

/* Until the guest has n frames, or nothing more happens. */
static void wait_frames(struct rig *r, unsigned n)
{
	while (r->n_got < n)
		assert_true(loop_turn(r->loop, -1) >= 0);
	while (loop_turn(r->loop, 0) > 0)
		;
	assert_int_equal(r->n_got, n);
}

static void test_frames(void **state)
{
	struct rig *r = *state;
	uint8_t frame[FRAME_MAX], got[FRAME_MAX];
	struct iovec iov[3] = {{frame, 1}, {frame + 1, 700}, {frame + 701, 813}};

	r->room = 1000;
	r->q->ops->want_recv(r->q, true);
	host_sends(r, 1514, 0x11);
	wait_frames(r, 1);
	assert_int_equal(r->len, 1514);
	assert_int_equal(r->got[1513], 0x11);
	fill(frame, 1514, 0x22);
	assert_int_equal(r->q->ops->send(r->q, iov, 3), 0);
	assert_int_equal(host_gets(r, got), 1514);
	assert_memory_equal(got, frame, 1514);
	assert_int_equal(r->q->ops->send(r->q, iov, 1), -EINVAL);
	/* More than a round takes. */
	for (unsigned i = 0; i < 200; i++)
		host_sends(r, 100, (uint8_t)i);
	wait_frames(r, 201);
	assert_int_equal(r->got[99], 199);
}

/* A frame that finds no room comes again, and those behind it wait. */
static void test_no_room(void **state)
{
	struct rig *r = *state;

	host_sends(r, 60, 1);
	host_sends(r, 60, 2);
	wait_frames(r, 0); /* not wanted */
	r->q->ops->want_recv(r->q, true);
	r->room = 1;
	host_sends(r, 60, 3);
	wait_frames(r, 1);
	r->room = 1000;
	wait_frames(r, 1); /* nobody has said so */
	r->q->ops->want_recv(r->q, true);
	assert_int_equal(r->n_got, 1); /* never from inside */
	wait_frames(r, 3);
	assert_int_equal(r->got[59], 3);
}

/* With offloads each frame has its header, both ways; unfinished checksums are finished for a guest
 * that has not agreed to them. */
static void test_offloads(void **state)
{
	struct rig *r = *state;
	struct net_header h = {.flags = NET_HEADER_NEEDS_CSUM, .csum_start = 34, .csum_offset = 6};
	uint8_t frame[FRAME_MAX], got[FRAME_MAX];
	struct iovec iov[2] = {{&h, sizeof(h)}, {frame, 60}};

	r->room = 1000;
	r->q->ops->set_offloads(r->q, NET_OFFLOAD_SEND_CSUM | NET_OFFLOAD_RECV_CSUM |
					      NET_OFFLOAD_RECV_TSO4 | NET_OFFLOAD_RECV_TSO6);
	r->skip = sizeof(h);
	r->q->ops->want_recv(r->q, true);
	host_sends(r, 60, 5);
	wait_frames(r, 1);
	assert_int_equal(r->len, sizeof(h) + 60);
	assert_int_equal(r->got[sizeof(h) + 59], 5);
	fill(frame, 60, 6);
	assert_int_equal(r->q->ops->send(r->q, iov, 2), 0);
	assert_int_equal(host_gets(r, got), 60);
	h.csum_start = 1000; /* the kernel looks, too */
	assert_int_equal(r->q->ops->send(r->q, iov, 2), -EINVAL);
	r->q->ops->set_offloads(r->q, 0);
	r->skip = 0;
	host_sends(r, 60, 7);
	wait_frames(r, 2);
	assert_int_equal(r->len, 60);
	assert_int_equal(r->q->ops->send(r->q, iov + 1, 1), 0);
	assert_int_equal(host_gets(r, got), 60);
}

/* Closed and opened again, as by a reboot; and a queue of which there is one. */
static void test_queues(void **state)
{
	struct rig *r = *state;
	struct net_queue *second;

	assert_int_equal(r->net->ops->open_queue(r->net, r->loop, &guest_ops, r, &second), -EBUSY);
	r->q->ops->set_offloads(r->q, NET_OFFLOAD_RECV_CSUM);
	r->q->ops->want_recv(r->q, true);
	r->q->ops->close(r->q);
	r->q = NULL;
	host_sends(r, 60, 1);
	r->room = 1;
	assert_int_equal(r->net->ops->open_queue(r->net, r->loop, &guest_ops, r, &r->q), 0);
	wait_frames(r, 0);
	r->q->ops->want_recv(r->q, true);
	wait_frames(r, 1);
	assert_int_equal(r->len, 60);
}

/* Frames reach the queues that are active; two of one interface, or one of many. */
static void test_several_queues(void **state)
{
	struct rig *r = *state, two = {.room = 1000, .host = r->host};
	struct net_queue *q[2], *third;
	struct sockaddr_ll addr = {.sll_family = AF_PACKET, .sll_protocol = htons(TYPE)};
	uint8_t frame[FRAME_MAX];
	struct iovec iov = {frame, 60};

	assert_int_equal(make_device("mq0", IFF_TAP | IFF_MULTI_QUEUE, true), 0);
	set_up("mq0", true);
	addr.sll_ifindex = (int)if_nametoindex("mq0");
	assert_int_equal(bind(r->host, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(net_tap_open("mq0", 1, &two.net, &two.e), 0);
	two.net->ops->free(two.net);
	assert_int_equal(net_tap_open("mq0", 2, &two.net, &two.e), 0);
	two.loop = r->loop;
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(
			two.net->ops->open_queue(two.net, r->loop, &guest_ops, &two, &q[i]), 0);
		q[i]->ops->want_recv(q[i], true);
	}
	assert_int_equal(two.net->ops->open_queue(two.net, r->loop, &guest_ops, &two, &third),
			 -EBUSY);
	fill(frame, 60, 3);
	for (unsigned round = 0; round < 3; round++) { /* the first, both, the first */
		q[0]->ops->set_active(q[0], true);
		q[1]->ops->set_active(q[1], round == 1);
		q[1]->ops->want_recv(q[1], true);
		for (unsigned i = 0; i < 4; i++)
			host_sends(&two, 60, (uint8_t)i);
		wait_frames(&two, 4 * round + 4);
		assert_int_equal(q[0]->ops->send(q[0], &iov, 1), 0);
		assert_int_equal(host_gets(&two, frame), 60);
		assert_int_equal(q[1]->ops->send(q[1], &iov, 1), 0); /* sending, any may */
		assert_int_equal(host_gets(&two, frame), 60);
	}
	q[0]->ops->close(q[0]);
	q[1]->ops->close(q[1]);
	two.net->ops->free(two.net);
	assert_int_equal(make_device("mq0", IFF_TAP | IFF_MULTI_QUEUE, false), 0);
}

static void test_interface_removed(void **state)
{
	struct rig *r = *state;
	uint8_t frame[60];
	struct iovec iov = {frame, sizeof(frame)};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct ifreq ifr = {.ifr_name = NAME};

	fill(frame, sizeof(frame), 0);
	r->q->ops->want_recv(r->q, true);
	set_up(NAME, false);
	assert_int_equal(r->q->ops->send(r->q, &iov, 1), -EIO);
	assert_int_equal(ioctl(fd, SIOCGIFFLAGS, &ifr), 0);
	close(fd);
	assert_int_equal(system("ip link del " NAME), 0);
	while (loop_turn(r->loop, 0) > 0) /* says so once, and is quiet */
		;
	assert_int_equal(loop_turn(r->loop, 0), 0);
	assert_true(r->q->ops->send(r->q, &iov, 1) < 0);
	r->q->ops->want_recv(r->q, false);
	r->q->ops->want_recv(r->q, true);
	assert_int_equal(loop_turn(r->loop, 0), 0);
}

static void expect_refused(const char *name, unsigned n_queues, int want, const char *why)
{
	struct err e = {0};
	struct net *net;

	assert_int_equal(net_tap_open(name, n_queues, &net, &e), want);
	if (!strstr(e.text, why))
		fail_msg("%s: \"%s\" does not say \"%s\"", name, e.text, why);
}

static void test_refused(void **state)
{
	expect_refused("", 1, -EINVAL, "is no name");
	expect_refused("0123456789abcdef", 1, -EINVAL, "is no name");
	expect_refused("a/b", 1, -EINVAL, "is no name");
	expect_refused("tap%d", 1, -EINVAL, "is no name");
	expect_refused("nosuch", 1, -ENODEV, "ip tuntap add dev nosuch mode tap user $USER");
	expect_refused("lo", 1, -EINVAL, "is no TAP device");
	expect_refused(NAME, 1, -EBUSY, "is in use");
	expect_refused(NAME, 2, -EINVAL, "ip tuntap add dev " NAME " mode tap multi_queue user");
	assert_int_equal(make_device("tun9", IFF_TUN, true), 0);
	expect_refused("tun9", 1, -EINVAL, "is no TAP device");
	assert_int_equal(make_device("tun9", IFF_TUN, false), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_frames),         TEST(test_no_room),           TEST(test_offloads),
		TEST(test_queues),         TEST(test_interface_removed), TEST(test_refused),
		TEST(test_several_queues),
	};

	if (unshare(CLONE_NEWNET) && unshare(CLONE_NEWUSER | CLONE_NEWNET)) {
		printf("skipped: this user may not make a network namespace\n");
		return 77;
	}
	if (access("/dev/net/tun", R_OK | W_OK)) {
		printf("skipped: this user may not open /dev/net/tun\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
