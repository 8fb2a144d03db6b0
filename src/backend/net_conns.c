/* SPDX-License-Identifier: MIT */
/*
 * What belongs to a connection is told by when slirp opens its socket: while it is given the first
 * packet of the guest's, or, for a forwarded port, right before the SYN that it sends the guest. An
 * entry lives exactly as long as that descriptor, so the count is that of slirp's sockets.
 *
 * How slirp is made to end one: in the middle of connect() it takes no packets, but finds that the
 * socket was shut down, and resets the guest itself. Later it takes a reset in the guest's name,
 * with the sequence number that it waits for; the guest gets one in the peer's name.
 *
 * Nothing in a packet is believed: it decides at most about the guest's own connections.
 */
#include "backend/net_conns.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/bits.h"

#define ETHERNET 14u
#define IP_SIZE  20u
#define TCP_SIZE 20u
#define PORTS    4u /* what is looked at of UDP */
#define IP_TCP   6u
#define IP_UDP   17u
#define BUCKETS  1024u

#define DHCP_CLIENT 68u

enum { FIN = 1, SYN = 2, RST = 4, ACK = 16 };

/* What a packet says, seen from the guest. */
struct packet {
	bool tcp;
	uint32_t guest_ip, peer_ip;
	unsigned guest_port, peer_port;
	uint32_t seq, ack, len; /* len: how far the sequence number moves on */
	unsigned flags;
};

enum state { CONNECTING, HALF, OPEN };

struct conn {
	struct conn *next; /* in its bucket, or free */
	int fd;            /* -1: free */
	enum state state;
	bool tcp, ended, fin;
	uint32_t guest_ip, peer_ip;
	unsigned guest_port, peer_port;
	uint32_t guest_next, peer_next, acked; /* sequence numbers; acked: of the peer's */
	uint64_t moved_ns;                     /* when the guest last got on with it */
	uint8_t guest_mac[6], peer_mac[6];
};

struct net_conns {
	const struct net_conns_ops *ops;
	void *arg;
	unsigned max, n, room; /* room: entries; some more than max, for forwards */
	struct net_conns_stats stats;
	bool opening;           /* a packet of the guest's is with slirp: */
	struct packet packet;   /* this one */
	uint8_t macs[12];       /* peer's, guest's */
	struct conn *forwarded; /* opened by slirp, its SYN is to come */
	struct conn *bucket[BUCKETS], *free;
	struct conn conn[];
};

#define ROW(member) .group = "net_user", .offset = offsetof(struct net_conns_stats, member)

const struct stats_row net_conns_rows[] = {
	{ROW(opened), .name = "opened", .help = "Connections, with those over UDP"},
	{ROW(half_open), .name = "half_open", .help = "Connections ended since nobody answered"},
	{ROW(stalled), .name = "stalled", .help = "Connections ended since the guest was silent"},
	{ROW(displaced), .name = "displaced", .help = "Connections ended to make room"},
	{ROW(refused), .name = "refused", .help = "Connections refused for lack of room"},
	{0},
};

/* ---- packets ---- */

static unsigned get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

static bool parse_tcp(const uint8_t *t, size_t len, struct packet *p)
{
	size_t header;

	if (len < TCP_SIZE)
		return false;
	header = 4 * (size_t)(t[12] >> 4);
	if (header < TCP_SIZE || header > len)
		return false;
	p->seq = get32(t + 4);
	p->ack = get32(t + 8);
	p->flags = t[13];
	p->len = (uint32_t)(len - header) + !!(p->flags & SYN) + !!(p->flags & FIN);
	return true;
}

/* False: nothing that concerns us, such as a fragment, whose head alone has ports. */
static bool parse(const uint8_t *f, size_t len, bool from_guest, struct packet *p)
{
	const uint8_t *ip = f + ETHERNET, *t;
	size_t header, total;

	if (len < ETHERNET + IP_SIZE + PORTS || get16(f + 12) != 0x0800 || ip[0] >> 4 != 4)
		return false;
	header = 4 * (size_t)(ip[0] & 15);
	total = get16(ip + 2);
	if (header < IP_SIZE || total < header + PORTS || total > len - ETHERNET ||
	    (get16(ip + 6) & 0x3fff))
		return false;
	t = ip + header;
	memset(p, 0, sizeof(*p));
	p->tcp = ip[9] == IP_TCP;
	p->guest_ip = get32(ip + (from_guest ? 12 : 16));
	p->peer_ip = get32(ip + (from_guest ? 16 : 12));
	p->guest_port = get16(t + (from_guest ? 0 : 2));
	p->peer_port = get16(t + (from_guest ? 2 : 0));
	if (p->tcp)
		return parse_tcp(t, total - header, p);
	/* One socket of slirp's serves a port of the guest's, whoever is at the other end. */
	p->peer_ip = p->peer_port = 0;
	return ip[9] == IP_UDP;
}

static unsigned checksum(const uint8_t *p, size_t len, uint32_t s)
{
	for (; len; len -= 2, p += 2)
		s += get16(p);
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return ~s & 0xffff;
}

/* A reset, whose sender is the guest or the peer. */
static void send_reset(struct net_conns *c, const struct packet *p, const uint8_t *peer_mac,
		       const uint8_t *guest_mac, bool as_guest)
{
	uint8_t f[ETHERNET + IP_SIZE + TCP_SIZE] = {0}, *ip = f + ETHERNET, *t = ip + IP_SIZE;

	memcpy(f, as_guest ? peer_mac : guest_mac, 6);
	memcpy(f + 6, as_guest ? guest_mac : peer_mac, 6);
	put16(f + 12, 0x0800);
	ip[0] = 0x45;
	put16(ip + 2, IP_SIZE + TCP_SIZE);
	ip[8] = 64;
	ip[9] = IP_TCP;
	put32(ip + 12, as_guest ? p->guest_ip : p->peer_ip);
	put32(ip + 16, as_guest ? p->peer_ip : p->guest_ip);
	put16(ip + 10, checksum(ip, IP_SIZE, 0));
	put16(t, as_guest ? p->guest_port : p->peer_port);
	put16(t + 2, as_guest ? p->peer_port : p->guest_port);
	put32(t + 4, p->seq);
	put32(t + 8, p->ack);
	t[12] = 5 << 4;
	t[13] = RST | ACK;
	put16(t + 16, checksum(ip + 12, 8 + TCP_SIZE, IP_TCP + TCP_SIZE));
	if (as_guest)
		c->ops->to_slirp(c->arg, f, sizeof(f));
	else
		c->ops->to_guest(c->arg, f, sizeof(f));
}

/* ---- the table ---- */

static struct conn **bucket_of(struct net_conns *c, uint32_t peer_ip, unsigned guest_port,
			       unsigned peer_port)
{
	uint32_t h = (peer_ip ^ guest_port << 16 ^ peer_port) * 2654435761u;

	return &c->bucket[(h >> 16) % BUCKETS];
}

static struct conn *find(struct net_conns *c, const struct packet *p)
{
	struct conn *k = *bucket_of(c, p->peer_ip, p->guest_port, p->peer_port);

	while (k && (k->tcp != p->tcp || k->guest_port != p->guest_port ||
		     k->peer_port != p->peer_port || k->peer_ip != p->peer_ip ||
		     k->guest_ip != p->guest_ip))
		k = k->next;
	return k;
}

/* Gives an entry that has a descriptor its packet's addresses. */
static void name(struct net_conns *c, struct conn *k, const struct packet *p, const uint8_t *macs)
{
	struct conn **b = bucket_of(c, p->peer_ip, p->guest_port, p->peer_port);

	k->tcp = p->tcp;
	k->guest_ip = p->guest_ip;
	k->peer_ip = p->peer_ip;
	k->guest_port = p->guest_port;
	k->peer_port = p->peer_port;
	memcpy(k->peer_mac, macs, 6);
	memcpy(k->guest_mac, macs + 6, 6);
	k->next = *b;
	*b = k;
}

static bool is_stream(int fd)
{
	int type;
	socklen_t len = sizeof(type);

	return !getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) && type == SOCK_STREAM;
}

void net_conns_opened(struct net_conns *c, int fd, uint64_t now_ns)
{
	struct conn *k = c->free;

	if (!k)
		return;
	c->free = k->next;
	c->n++;
	counter_add(&c->stats.opened, 1);
	*k = (struct conn){.fd = fd, .moved_ns = now_ns};
	if (c->opening) {
		name(c, k, &c->packet, c->macs);
		k->state = k->tcp ? CONNECTING : OPEN;
		k->guest_next = c->packet.seq + c->packet.len;
		c->opening = false;
	} else if (is_stream(fd)) {
		k->state = HALF;
		k->tcp = true;
		c->forwarded = k;
	} else { /* of a ping, say */
		k->state = OPEN;
	}
}

void net_conns_closed(struct net_conns *c, int fd)
{
	struct conn *k = NULL, **link;

	for (unsigned i = 0; i < c->room && !k; i++)
		if (c->conn[i].fd == fd)
			k = &c->conn[i];
	if (!k)
		return;
	link = bucket_of(c, k->peer_ip, k->guest_port, k->peer_port);
	while (*link && *link != k)
		link = &(*link)->next;
	if (*link)
		*link = k->next;
	if (c->forwarded == k)
		c->forwarded = NULL;
	k->fd = -1;
	k->next = c->free;
	c->free = k;
	c->n--;
}

/* ---- the policy ---- */

static void end(struct net_conns *c, struct conn *k, struct counter *why)
{
	struct packet p = {.guest_ip = k->guest_ip,
			   .peer_ip = k->peer_ip,
			   .guest_port = k->guest_port,
			   .peer_port = k->peer_port,
			   .seq = k->guest_next,
			   .ack = k->peer_next};
	uint8_t peer_mac[6], guest_mac[6];

	k->ended = true;
	counter_add(why, 1);
	if (k->state == CONNECTING) {
		(void)shutdown(k->fd, SHUT_RDWR);
		return;
	}
	memcpy(peer_mac, k->peer_mac, 6);
	memcpy(guest_mac, k->guest_mac, 6);
	send_reset(c, &p, peer_mac, guest_mac, true); /* k is gone now */
	p = (struct packet){.guest_ip = p.guest_ip,
			    .peer_ip = p.peer_ip,
			    .guest_port = p.guest_port,
			    .peer_port = p.peer_port,
			    .seq = p.ack,
			    .ack = p.seq};
	send_reset(c, &p, peer_mac, guest_mac, false);
}

/* Why it is due by time, or NULL. */
static struct counter *overdue(struct net_conns *c, const struct conn *k, uint64_t now_ns)
{
	uint64_t quiet = now_ns - k->moved_ns;

	if (k->fd < 0 || !k->tcp || k->ended)
		return NULL;
	if (k->state != OPEN)
		return quiet >= NET_CONNS_HALF_NS ? &c->stats.half_open : NULL;
	if ((k->fin || k->acked != k->peer_next) && quiet >= NET_CONNS_DEAD_NS)
		return &c->stats.stalled;
	return NULL;
}

/* Half-open; or its guest owes an answer, or the end, and is silent longer than that takes. */
static bool comes_to_nothing(const struct conn *k, uint64_t now_ns)
{
	if (k->state != OPEN)
		return true;
	return (k->fin || k->acked != k->peer_next) && now_ns - k->moved_ns >= NET_CONNS_SILENT_NS;
}

/* Those that come to nothing first, then quiet ones; of these the one that was quiet longest. */
static struct conn *victim(struct net_conns *c, uint64_t now_ns)
{
	struct conn *worst = NULL;
	bool worst_bad = false;

	for (unsigned i = 0; i < c->room; i++) {
		struct conn *k = &c->conn[i];
		bool bad = comes_to_nothing(k, now_ns);

		if (k->fd < 0 || !k->tcp || k->ended || bad < worst_bad ||
		    (!bad && now_ns - k->moved_ns < NET_CONNS_IDLE_NS))
			continue;
		if (!worst || bad > worst_bad || k->moved_ns < worst->moved_ns) {
			worst = k;
			worst_bad = bad;
		}
	}
	return worst;
}

/* Whether there is room for one more, perhaps now. */
static bool make_room(struct net_conns *c, bool tcp, uint64_t now_ns)
{
	struct conn *k;

	if (c->n < c->max)
		return true;
	k = tcp ? victim(c, now_ns) : NULL;
	if (k)
		end(c, k, &c->stats.displaced);
	/* One that was in connect() slirp closes a little later; it has a reserve till then. */
	return k && c->free;
}

void net_conns_tidy(struct net_conns *c, uint64_t now_ns)
{
	for (unsigned i = 0; i < c->room; i++) {
		struct counter *why = overdue(c, &c->conn[i], now_ns);

		if (why)
			end(c, &c->conn[i], why);
	}
	for (unsigned over = c->n > c->max ? c->n - c->max : 0; over; over--) {
		struct conn *k = victim(c, now_ns);

		if (!k)
			break;
		end(c, k, &c->stats.displaced);
	}
}

/* ---- what passes ---- */

static bool before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

static void follow_guest(struct conn *k, const struct packet *p, uint64_t now_ns)
{
	uint32_t next = p->seq + p->len;

	if (!k->tcp || before(k->guest_next, next) || ((p->flags & ACK) && p->ack != k->acked))
		k->moved_ns = now_ns;
	if (k->state == HALF && (p->flags & SYN)) /* a forward is answered */
		k->guest_next = next;
	else if (before(k->guest_next, next))
		k->guest_next = next;
	if ((p->flags & ACK) && k->state == HALF && p->ack == k->peer_next)
		k->state = OPEN;
	if (p->flags & ACK)
		k->acked = p->ack;
	k->fin |= p->flags & FIN;
}

/* A first packet. Whether slirp is to get it. */
static bool begin(struct net_conns *c, const struct packet *p, const uint8_t *frame,
		  uint64_t now_ns)
{
	struct packet reset = *p;

	if (p->tcp ? (p->flags & (SYN | ACK | RST)) != SYN : p->guest_port == DHCP_CLIENT)
		return true; /* of none that we know, or needs no socket: slirp's affair */
	memcpy(c->macs, frame, sizeof(c->macs));
	if (make_room(c, p->tcp, now_ns)) {
		c->packet = *p;
		c->opening = true;
		return true;
	}
	counter_add(&c->stats.refused, 1);
	if (p->tcp) {
		reset.seq = 0;
		reset.ack = p->seq + p->len;
		send_reset(c, &reset, c->macs, c->macs + 6, false);
	}
	return false;
}

bool net_conns_from_guest(struct net_conns *c, const uint8_t *frame, size_t len, uint64_t now_ns)
{
	struct packet p;
	struct conn *k;

	if (!parse(frame, len, true, &p))
		return true;
	k = find(c, &p);
	if (!k)
		return begin(c, &p, frame, now_ns);
	follow_guest(k, &p, now_ns);
	return true;
}

void net_conns_done(struct net_conns *c)
{
	c->opening = false;
}

void net_conns_to_guest(struct net_conns *c, const uint8_t *frame, size_t len, uint64_t now_ns)
{
	struct packet p;
	struct conn *k;
	uint8_t macs[12];

	if (!parse(frame, len, false, &p))
		return;
	k = find(c, &p);
	if (!k && c->forwarded && p.tcp && (p.flags & (SYN | ACK)) == SYN) {
		memcpy(macs, frame + 6, 6);
		memcpy(macs + 6, frame, 6);
		k = c->forwarded;
		c->forwarded = NULL;
		name(c, k, &p, macs);
		k->acked = p.seq;
		k->peer_next = p.seq + 1;
	}
	if (!k || !k->tcp)
		return;
	if (k->state == CONNECTING && (p.flags & (SYN | ACK)) == (SYN | ACK)) {
		k->state = HALF;
		k->moved_ns = now_ns;
		k->peer_next = p.seq + p.len;
		k->acked = p.seq;
	}
	/* What waits for an answer from now on. */
	if (k->acked == k->peer_next && p.len)
		k->moved_ns = now_ns;
	if (before(k->peer_next, p.seq + p.len))
		k->peer_next = p.seq + p.len;
	k->fin |= p.flags & FIN;
}

/* ---- life ---- */

int net_conns_new(unsigned max, const struct net_conns_ops *ops, void *arg, struct net_conns **out)
{
	unsigned room = max + max / 4 + 16;
	struct net_conns *c = calloc(1, sizeof(*c) + room * sizeof(c->conn[0]));

	if (!c)
		return -ENOMEM;
	c->ops = ops;
	c->arg = arg;
	c->max = max;
	c->room = room;
	for (unsigned i = room; i; i--) {
		c->conn[i - 1].fd = -1;
		c->conn[i - 1].next = c->free;
		c->free = &c->conn[i - 1];
	}
	*out = c;
	return 0;
}

void net_conns_free(struct net_conns *c)
{
	free(c);
}

const struct net_conns_stats *net_conns_stats(const struct net_conns *c)
{
	return &c->stats;
}

unsigned net_conns_count(const struct net_conns *c)
{
	return c->n;
}
