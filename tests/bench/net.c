/* SPDX-License-Identifier: MIT */
/*
 * bench/net: what a packet of 64 bytes costs the host on the device's side.
 *
 *	net [ROUNDS [SECONDS [WORD]]]
 *
 * The card as a machine has it, driven by a driver in this process and thread. Behind it is nothing
 * (rows "null": what ring, device and loop take), or a TAP device in a network namespace of this
 * process's own, with one queue, where a child sends or the kernel drops what it gets. BATCH
 * packets a queue are made available at once, then the device runs, then the driver takes them
 * back; the clock of this thread's CPU time runs only meanwhile. Medians over ROUNDS (5) of SECONDS
 * (0.2) each, all rows (with WORD in their names) in turn in each round.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "backend/net.h"
#include "backend/net_tap.h"
#include "base/bits.h"
#include "base/err.h"
#include "base/loop.h"
#include "dev/net.h"
#include "dev/net_spec.h"
#include "lib/guest_packed.h"
#include "lib/guest_ring.h"
#include "virtio/vdev.h"

#define RAM         0x80000000ull
#define RAM_SIZE    (16ull << 20)
#define RING_SPACE  0x10000ull
#define BUFFERS     (RAM + (1ull << 20))
#define BUFFER_SIZE 2048u
#define BATCH       256u /* also the size of a ring */
#define PAIRS_MAX   4u
#define HEADER      12u
#define PACKET      64u
#define MAX_ROUNDS  15u
#define TAP         "bench0"

/* A network that loses what it is given. The frames that arrive, run() makes. */
struct null_net {
	struct net net;
	struct {
		struct net_queue queue;
		const struct net_user_ops *ops;
		void *user;
	} end[PAIRS_MAX];
	unsigned n_open;
	uint64_t n_sent;
};

struct lane {
	struct guest_ring split;
	struct guest_packed packed;
	unsigned next; /* buffer */
};

struct row {
	const char *name;
	bool packed, rx, tap;
	unsigned n_pairs;
};

struct bench {
	const struct row *row;
	struct loop *loop;
	struct gmem *mem;
	struct vdev *dev;
	struct null_net null;
	struct lane lane[2 * PAIRS_MAX]; /* by queue */
};

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "bench/net: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* ---- the network that is none ---- */

static int null_send(struct net_queue *q, const struct iovec *iov, unsigned n)
{
	container_of(q->net, struct null_net, net)->n_sent++;
	return 0;
}

static void null_want_recv(struct net_queue *q, bool want)
{
}

static void null_close(struct net_queue *q)
{
}

static int null_open_queue(struct net *net, struct loop *loop, const struct net_user_ops *ops,
			   void *user, struct net_queue **out)
{
	static const struct net_queue_ops queue_ops = {
		.send = null_send, .want_recv = null_want_recv, .close = null_close};
	struct null_net *n = container_of(net, struct null_net, net);

	n->end[n->n_open].queue = (struct net_queue){.ops = &queue_ops, .net = net};
	n->end[n->n_open].ops = ops;
	n->end[n->n_open].user = user;
	*out = &n->end[n->n_open++].queue;
	return 0;
}

static void null_free(struct net *net)
{
}

static struct net *null_open(struct bench *b)
{
	static const struct net_ops ops = {.open_queue = null_open_queue, .free = null_free};

	b->null = (struct null_net){.net = {.ops = &ops, .n_queues = b->row->n_pairs}};
	return &b->null.net;
}

/* ---- a TAP device, and who sends there ---- */

static int set_up(void)
{
	struct ifreq ifr = {.ifr_flags = IFF_UP};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), ret;

	if (fd < 0)
		return -1;
	memcpy(ifr.ifr_name, TAP, sizeof(TAP));
	ret = ioctl(fd, SIOCSIFFLAGS, &ifr);
	close(fd);
	return ret;
}

/* A network namespace with a TAP device in it, for as long as this process lives. */
static bool make_tap(void)
{
	struct ifreq ifr = {.ifr_name = TAP, .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
	int fd;

	if (unshare(geteuid() ? CLONE_NEWUSER | CLONE_NEWNET : CLONE_NEWNET))
		return false;
	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (ioctl(fd, TUNSETIFF, &ifr) || ioctl(fd, TUNSETPERSIST, 1ul) || set_up()) {
		close(fd);
		return false;
	}
	close(fd);
	return true;
}

static void fill_frame(uint8_t frame[PACKET])
{
	static const uint8_t head[14] = {2, 0, 0, 1, 2, 3, 2, 0, 0, 1, 2, 4, 0x88, 0xb5};

	memset(frame, 0x5a, PACKET);
	memcpy(frame, head, sizeof(head)); /* an EtherType for experiments */
}

/* A child that sends frames to the card for ever. */
static pid_t flood(void)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(TAP)};
	struct mmsghdr m[64] = {0};
	uint8_t frame[PACKET];
	struct iovec iov = {frame, sizeof(frame)};
	pid_t pid = fork();
	int fd;

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fill_frame(frame);
	fd = socket(AF_PACKET, SOCK_RAW, 0);
	for (unsigned i = 0; i < ARRAY_SIZE(m); i++)
		m[i].msg_hdr = (struct msghdr){.msg_name = &to,
					       .msg_namelen = sizeof(to),
					       .msg_iov = &iov,
					       .msg_iovlen = 1};
	for (;;)
		if (sendmmsg(fd, m, ARRAY_SIZE(m), 0) < 0)
			sched_yield(); /* the card's queue is full */
}

/* ---- the driver ---- */

static void nothing(void *port)
{
}

static void interrupt(void *port, unsigned queue)
{
}

static const struct vdev_port_ops port_ops = {
	.interrupt = interrupt, .config_changed = nothing, .broken = nothing};

static void lane_open(struct bench *b, unsigned queue)
{
	struct lane *l = &b->lane[queue];
	struct vdev_queue_setup setup = {.kick_fd = -1, .call_fd = -1};
	uint64_t gpa = RAM + queue * RING_SPACE;

	l->next = 0;
	memset(gmem_map(b->mem, gpa, RING_SPACE), 0, RING_SPACE);
	setup.ring.size = BATCH;
	if (b->row->packed) {
		guest_packed_init(&l->packed, b->mem, gpa, BATCH, (struct guest_place){0, true},
				  true);
		setup.ring.desc = l->packed.desc;
		setup.ring.driver = l->packed.driver;
		setup.ring.device = l->packed.device;
	} else {
		guest_ring_init(&l->split, b->mem, gpa, BATCH, 0, true);
		setup.ring.desc = l->split.desc;
		setup.ring.driver = l->split.avail;
		setup.ring.device = l->split.used;
	}
	if (vdev_queue_start(b->dev, queue, &setup))
		die("a queue");
}

static void lane_close(struct bench *b, unsigned queue)
{
	if (b->row->packed)
		guest_packed_fini(&b->lane[queue].packed);
	else
		guest_ring_fini(&b->lane[queue].split);
}

/* Makes all buffers available that are not. Whether the device asks for a kick. */
static bool lane_fill(struct bench *b, unsigned queue)
{
	struct lane *l = &b->lane[queue];
	struct guest_part part = {.len = b->row->rx ? BUFFER_SIZE : HEADER + PACKET,
				  .write = b->row->rx};
	int id;

	do {
		part.gpa = BUFFERS + ((uint64_t)queue * BATCH + l->next % BATCH) * BUFFER_SIZE;
		id = b->row->packed ? guest_packed_add(&l->packed, &part, 1, 0)
				    : guest_ring_add(&l->split, &part, 1, 0, 0);
		l->next += id >= 0;
	} while (id >= 0);
	return b->row->packed ? guest_packed_announce(&l->packed) : guest_ring_publish(&l->split);
}

static unsigned lane_reap(struct bench *b, unsigned queue)
{
	struct lane *l = &b->lane[queue];
	uint32_t id, len;
	uint16_t id16;
	unsigned n = 0;

	if (b->row->packed) {
		while (guest_packed_reap(&l->packed, &id16, &len))
			n++;
		(void)guest_packed_arm(&l->packed);
	} else {
		while (guest_ring_reap(&l->split, &id, &len))
			n++;
		(void)guest_ring_arm(&l->split);
	}
	return n;
}

/* ---- measuring ---- */

static double cpu_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static void turn(struct bench *b)
{
	while (loop_turn(b->loop, 0) > 0)
		;
}

/* The device's part of a batch: it finds the new chains, and for "null" the frames arrive. */
static void serve(struct bench *b, const bool *kick)
{
	uint8_t frame[PACKET];
	struct iovec iov = {frame, sizeof(frame)};

	for (unsigned i = 0; i < b->row->n_pairs; i++)
		if (kick[i])
			vdev_kick(b->dev, 2 * i + !b->row->rx);
	if (b->row->rx && b->row->tap)
		/* Returns when some have arrived; a nap lets the sender go on. */
		(void)loop_turn(b->loop, -1);
	turn(b);
	if (b->row->rx && !b->row->tap) {
		fill_frame(frame);
		for (unsigned i = 0; i < b->row->n_pairs * BATCH; i++) {
			unsigned end = i % b->row->n_pairs;

			if (!b->null.end[end].ops->recv(b->null.end[end].user, &iov, 1))
				die("a frame was not taken");
		}
		turn(b);
	}
}

/* Nanoseconds for one packet. */
static double run(struct bench *b, double seconds)
{
	unsigned first = b->row->rx ? 0 : 1, n_pairs = b->row->n_pairs;
	double spent = 0;
	uint64_t n = 0;

	while (spent < seconds * 1e9) {
		bool kick[PAIRS_MAX] = {false};
		unsigned done = 0;
		double from;

		for (unsigned i = 0; i < n_pairs; i++)
			kick[i] = lane_fill(b, 2 * i + first);
		from = cpu_now();
		serve(b, kick);
		spent += cpu_now() - from;
		for (unsigned i = 0; i < n_pairs; i++)
			done += lane_reap(b, 2 * i + first);
		if (!b->row->tap && done != n_pairs * BATCH)
			die("packets were lost");
		n += done;
	}
	return spent / (double)n;
}

static struct net *open_net(struct bench *b)
{
	struct net *net;
	struct err e;

	if (!b->row->tap)
		return null_open(b);
	if (net_tap_open(TAP, 1, &net, &e)) {
		fprintf(stderr, "bench/net: %s\n", e.text);
		exit(1);
	}
	return net;
}

static void reset_done(void *arg)
{
	*(bool *)arg = true;
}

static double measure(struct bench *b, const struct row *row, double seconds)
{
	struct netdev_config config = {
		.mac = {2, 0, 0, 1, 2, 3}, .n_pairs = row->n_pairs, .loop = b->loop};
	uint64_t features = VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX | NET_F_MRG_RXBUF | NET_F_MAC;
	pid_t sender = -1;
	bool done = false;
	double ns;

	b->row = row;
	config.net = open_net(b);
	if (netdev_new(&config, &b->dev))
		die("the card");
	vdev_offer_ring(b->dev, VIRTQ_FEATURES_ALL);
	vdev_attach(b->dev, &port_ops, b, b->loop, b->mem);
	if (row->packed)
		features |= VIRTIO_F_RING_PACKED;
	if (row->n_pairs > 1)
		features |= NET_F_CTRL_VQ | NET_F_MQ;
	if (vdev_set_features(b->dev, features))
		die("the features");
	for (unsigned i = 0; i < 2 * row->n_pairs; i++)
		lane_open(b, i);
	turn(b);
	if (row->tap && row->rx)
		sender = flood();
	ns = run(b, seconds);
	if (sender > 0 && (kill(sender, SIGKILL) || waitpid(sender, NULL, 0) < 0))
		die("the sender");
	vdev_reset(b->dev, reset_done, &done);
	while (!done)
		loop_turn(b->loop, -1);
	vdev_free(b->dev);
	config.net->ops->free(config.net);
	for (unsigned i = 0; i < 2 * row->n_pairs; i++)
		lane_close(b, i);
	return ns;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static bool chosen(const struct row *r, bool have_tap, const char *word)
{
	return (have_tap || !r->tap) && strstr(r->name, word);
}

int main(int argc, char **argv)
{
	static const struct row rows[] = {
		{"null, to the network, split", false, false, false, 1},
		{"null, to the network, split, 2 queues", false, false, false, 2},
		{"null, to the network, split, 4 queues", false, false, false, 4},
		{"null, to the network, packed", true, false, false, 1},
		{"null, to the network, packed, 4 queues", true, false, false, 4},
		{"null, to the guest, split", false, true, false, 1},
		{"null, to the guest, split, 2 queues", false, true, false, 2},
		{"null, to the guest, split, 4 queues", false, true, false, 4},
		{"null, to the guest, packed", true, true, false, 1},
		{"null, to the guest, packed, 4 queues", true, true, false, 4},
		{"TAP, to the network, split", false, false, true, 1},
		{"TAP, to the network, packed", true, false, true, 1},
		{"TAP, to the guest, split", false, true, true, 1},
		{"TAP, to the guest, packed", true, true, true, 1},
	};
	static double v[ARRAY_SIZE(rows)][MAX_ROUNDS];
	long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : 5;
	double seconds = argc > 2 ? strtod(argv[2], NULL) : 0.2;
	const char *word = argc > 3 ? argv[3] : "";
	static struct bench b;
	bool tap;

	if (rounds < 1 || rounds > (long)MAX_ROUNDS || seconds <= 0) {
		fprintf(stderr, "usage: net [ROUNDS [SECONDS [WORD]]]\n");
		return 2;
	}
	tap = make_tap();
	if (loop_new(&b.loop) || gmem_new(&b.mem) || gmem_add_ram(b.mem, RAM, RAM_SIZE))
		die("not enough memory");
	for (long i = 0; i < rounds; i++)
		for (unsigned r = 0; r < ARRAY_SIZE(rows); r++)
			if (chosen(&rows[r], tap, word))
				v[r][i] = measure(&b, &rows[r], seconds);
	printf("%-40s %10s %10s\n", "64 bytes, device's side", "ns/packet", "M/CPU-s");
	for (unsigned r = 0; r < ARRAY_SIZE(rows); r++) {
		qsort(v[r], (size_t)rounds, sizeof(v[r][0]), by_value);
		if (chosen(&rows[r], tap, word))
			printf("%-40s %10.1f %10.2f\n", rows[r].name, v[r][rounds / 2],
			       1e3 / v[r][rounds / 2]);
	}
	if (!tap)
		printf("no TAP device could be made here\n");
	gmem_free(b.mem);
	loop_free(b.loop);
	return 0;
}
