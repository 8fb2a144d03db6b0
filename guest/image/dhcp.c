/* SPDX-License-Identifier: MIT */
/*
 * A DHCP client on a UDP socket. busybox's udhcpc would do, but it costs four process starts, which
 * is a tenth of the whole boot on a slow engine.
 *
 * The child waits for the link by rtnetlink events, broadcasts DISCOVER, takes the first OFFER,
 * REQUESTs it, and configures the interface from the ACK. Nothing sleeps unless a packet was
 * lost: a message is repeated after 1, 2, 4, 8, 8, ... seconds. Half-way through the lease it asks
 * the same server to extend it; if that fails until the lease is over, it starts again.
 *
 * Linux delivers broadcast UDP to an interface without an address, and sends it from 0.0.0.0, so
 * no raw socket is needed; the broadcast flag asks the server to answer likewise.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <net/route.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "dhcp.h"
#include "util.h"

#define SERVER_PORT 67
#define CLIENT_PORT 68
#define MAGIC       0x63825363
#define BROADCAST   0x8000
#define OPTIONS_MAX 1200
#define REPEAT_MAX  8 /* seconds between repetitions, at most */
#define ROUNDS      4 /* messages without answer before DISCOVER is tried again */

enum { BOOTREQUEST = 1, BOOTREPLY = 2 };
enum { DISCOVER = 1, OFFER = 2, REQUEST = 3, ACK = 5, NAK = 6 };
enum {
	OPT_PAD = 0,
	OPT_NETMASK = 1,
	OPT_ROUTER = 3,
	OPT_DNS = 6,
	OPT_MTU = 26,
	OPT_ADDRESS = 50,
	OPT_LEASE = 51,
	OPT_TYPE = 53,
	OPT_SERVER = 54,
	OPT_WANTED = 55,
	OPT_END = 255,
};

/* RFC 2131, figure 1. All in network byte order. */
struct packet {
	uint8_t op, htype, hlen, hops;
	uint32_t xid;
	uint16_t secs, flags;
	uint32_t ciaddr, yiaddr, siaddr, giaddr;
	uint8_t chaddr[16], sname[64], file[128];
	uint32_t magic;
	uint8_t options[OPTIONS_MAX];
} __attribute__((packed));

struct lease {
	struct in_addr address, netmask, router, server;
	struct in_addr dns[3];
	int dns_count;
	uint32_t seconds;
	uint16_t mtu; /* 0: not told */
};

struct client {
	char ifname[IFNAMSIZ];
	uint8_t mac[6];
	uint32_t xid;
	int sock;
};

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int interface_ioctl(const char *ifname, unsigned long request, struct ifreq *ifr)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	snprintf(ifr->ifr_name, IFNAMSIZ, "%s", ifname);
	int err = ioctl(fd, request, ifr) < 0 ? -errno : 0;
	close(fd);
	return err;
}

static int interface_up(const char *ifname)
{
	struct ifreq ifr = {0};
	int err = interface_ioctl(ifname, SIOCGIFFLAGS, &ifr);

	if (err)
		return err;
	ifr.ifr_flags |= IFF_UP;
	return interface_ioctl(ifname, SIOCSIFFLAGS, &ifr);
}

/*
 * Whether the interface's link carries. IFF_RUNNING would say that too, but up to a second later:
 * the kernel gathers such changes.
 */
static bool interface_carries(const char *ifname)
{
	char path[64], text[4];

	snprintf(path, sizeof(path), "/sys/class/net/%s/carrier", ifname);
	return file_read(path, text, sizeof(text)) > 0 && text[0] == '1';
}

static int interface_address(const char *ifname, unsigned long request, struct in_addr address)
{
	struct ifreq ifr = {0};
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr = address};

	memcpy(&ifr.ifr_addr, &sin, sizeof(sin));
	return interface_ioctl(ifname, request, &ifr);
}

/* The Ethernet interface with the lowest index, and its address. 0 or -ENODEV. */
static int interface_find(struct client *c)
{
	unsigned int best = 0;
	DIR *dir = opendir("/sys/class/net");

	if (!dir)
		return -ENODEV;
	for (struct dirent *d; (d = readdir(dir));) {
		struct ifreq ifr = {0};
		unsigned int index = if_nametoindex(d->d_name);
		if (!index || (best && index > best) ||
		    interface_ioctl(d->d_name, SIOCGIFHWADDR, &ifr) < 0 ||
		    ifr.ifr_hwaddr.sa_family != ARPHRD_ETHER)
			continue;
		best = index;
		memcpy(c->ifname, ifr.ifr_name, IFNAMSIZ);
		memcpy(c->mac, ifr.ifr_hwaddr.sa_data, sizeof(c->mac));
	}
	closedir(dir);
	return best ? 0 : -ENODEV;
}

/* Takes the interface up and waits until its link carries: what is sent before that is lost. */
static int link_wait(const char *ifname)
{
	struct sockaddr_nl nl = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
	char event[4096];
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0)
		return -errno;
	int err = bind(fd, (struct sockaddr *)&nl, sizeof(nl)) < 0 ? -errno : interface_up(ifname);
	while (!err && !interface_carries(ifname)) {
		if (recv(fd, event, sizeof(event), 0) < 0 && errno != EINTR && errno != ENOBUFS)
			err = -errno;
	}
	close(fd);
	return err;
}

static uint8_t *option_put(uint8_t *p, uint8_t code, const void *data, uint8_t len)
{
	*p++ = code;
	*p++ = len;
	memcpy(p, data, len);
	return p + len;
}

/*
 * Sends a message. DISCOVER has no @lease; a REQUEST for what was offered names address and server
 * as options; one that extends a lease (@renew) has the address in ciaddr and goes to the server.
 */
static int client_send(struct client *c, uint8_t type, const struct lease *lease, bool renew)
{
	static const uint8_t wanted[] = {OPT_NETMASK, OPT_ROUTER, OPT_DNS, OPT_MTU, OPT_LEASE};
	struct packet p = {.op = BOOTREQUEST, .htype = 1, .hlen = sizeof(c->mac), .xid = c->xid};
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(SERVER_PORT)};
	uint8_t *o = option_put(p.options, OPT_TYPE, &type, 1);

	p.magic = htonl(MAGIC);
	memcpy(p.chaddr, c->mac, sizeof(c->mac));
	o = option_put(o, OPT_WANTED, wanted, sizeof(wanted));
	if (renew) {
		p.ciaddr = lease->address.s_addr;
		to.sin_addr = lease->server;
	} else {
		p.flags = htons(BROADCAST);
		to.sin_addr.s_addr = INADDR_BROADCAST;
		if (lease) {
			o = option_put(o, OPT_ADDRESS, &lease->address, 4);
			o = option_put(o, OPT_SERVER, &lease->server, 4);
		}
	}
	*o++ = OPT_END;
	size_t len = (size_t)(o - (uint8_t *)&p);
	if (len < 300) /* BOOTP relays drop shorter ones (RFC 1542, 2.1) */
		len = 300;
	if (sendto(c->sock, &p, len, 0, (struct sockaddr *)&to, sizeof(to)) < 0)
		return -errno;
	return 0;
}

static void address_take(struct in_addr *to, const uint8_t *data, size_t len)
{
	if (len >= sizeof(*to))
		memcpy(to, data, sizeof(*to));
}

static void option_take(struct lease *lease, uint8_t *type, const uint8_t *data, uint8_t code,
			uint8_t len)
{
	switch (code) {
	case OPT_TYPE:
		if (len >= 1)
			*type = data[0];
		break;
	case OPT_NETMASK: address_take(&lease->netmask, data, len); break;
	case OPT_ROUTER: address_take(&lease->router, data, len); break;
	case OPT_SERVER: address_take(&lease->server, data, len); break;
	case OPT_DNS:
		for (lease->dns_count = 0; lease->dns_count < 3 && len >= 4; len -= 4, data += 4)
			address_take(&lease->dns[lease->dns_count++], data, len);
		break;
	case OPT_MTU:
		if (len >= 2)
			lease->mtu = (uint16_t)(data[0] << 8 | data[1]);
		break;
	case OPT_LEASE:
		if (len >= 4)
			lease->seconds = (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 |
					 (uint32_t)data[2] << 8 | data[3];
		break;
	default: break;
	}
}

/* Takes a datagram apart. The message's type, or 0 if it is not an answer to us. */
static uint8_t packet_parse(const struct client *c, const struct packet *p, size_t size,
			    struct lease *lease)
{
	uint8_t type = 0;
	size_t fixed = offsetof(struct packet, options);

	if (size < fixed || p->op != BOOTREPLY || p->xid != c->xid || p->magic != htonl(MAGIC) ||
	    memcmp(p->chaddr, c->mac, sizeof(c->mac)))
		return 0;
	memset(lease, 0, sizeof(*lease));
	lease->address.s_addr = p->yiaddr;
	for (size_t i = 0; i < size - fixed;) {
		uint8_t code = p->options[i++];
		if (code == OPT_PAD)
			continue;
		if (code == OPT_END || i >= size - fixed)
			break;
		uint8_t len = p->options[i++];
		if (len > size - fixed - i)
			break;
		option_take(lease, &type, p->options + i, code, len);
		i += len;
	}
	return type;
}

/* Waits for an answer until @deadline (now_ms). Its type, or 0 if none came. */
static uint8_t client_receive(struct client *c, int64_t deadline, struct lease *lease)
{
	struct packet p;

	for (;;) {
		struct pollfd pfd = {.fd = c->sock, .events = POLLIN};
		int64_t left = deadline - now_ms();
		if (left <= 0 || poll(&pfd, 1, (int)left) <= 0)
			return 0;
		ssize_t n = recv(c->sock, &p, sizeof(p), 0);
		if (n < 0)
			return 0;
		uint8_t type = packet_parse(c, &p, (size_t)n, lease);
		if (type)
			return type;
	}
}

/* DISCOVER to ACK, for as long as it takes. */
static void lease_get(struct client *c, struct lease *lease)
{
	struct lease offer, answer;

	for (int wait = 1;;) {
		c->xid += 0x01000193;
		client_send(c, DISCOVER, NULL, false);
		uint8_t type = client_receive(c, now_ms() + wait * INT64_C(1000), &offer);
		for (int round = 0; type == OFFER && round < ROUNDS; round++) {
			client_send(c, REQUEST, &offer, false);
			uint8_t ack = client_receive(c, now_ms() + wait * INT64_C(1000), &answer);
			if (ack == ACK) {
				if (!answer.server.s_addr)
					answer.server = offer.server;
				*lease = answer;
				return;
			}
			if (ack == NAK)
				break;
		}
		wait = wait < REPEAT_MAX ? wait * 2 : REPEAT_MAX;
	}
}

/* Sleeps through half of the lease, then extends it. False if the lease ran out. */
static bool lease_keep(struct client *c, struct lease *lease)
{
	int64_t start = now_ms(), end = start + (int64_t)lease->seconds * 1000;
	int64_t next = start + (end - start) / 2;

	while (now_ms() < end) {
		struct lease answer;
		struct timespec ts = {.tv_sec = next / 1000, .tv_nsec = next % 1000 * 1000000};
		while (clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &ts, NULL) == EINTR)
			;
		client_send(c, REQUEST, lease, true);
		uint8_t type = client_receive(c, now_ms() + REPEAT_MAX * INT64_C(1000), &answer);
		if (type == ACK && answer.address.s_addr == lease->address.s_addr) {
			if (!answer.server.s_addr)
				answer.server = lease->server;
			*lease = answer;
			return true;
		}
		if (type == NAK)
			return false;
		/* Half of what is left each time, but not in a hurry: RFC 2131, 4.4.5. */
		next = now_ms() + (end - now_ms()) / 2;
		if (next < now_ms() + 60000)
			next = now_ms() + 60000;
	}
	return false;
}

static int route_default(const struct client *c, struct in_addr router)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	struct rtentry rt = {.rt_flags = RTF_UP | RTF_GATEWAY};
	char dev[IFNAMSIZ];
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	memcpy(dev, c->ifname, sizeof(dev));
	rt.rt_dev = dev;
	memcpy(&rt.rt_dst, &sin, sizeof(sin));
	memcpy(&rt.rt_genmask, &sin, sizeof(sin));
	sin.sin_addr = router;
	memcpy(&rt.rt_gateway, &sin, sizeof(sin));
	int err = ioctl(fd, SIOCADDRT, &rt) < 0 && errno != EEXIST ? -errno : 0;
	close(fd);
	return err;
}

static void lease_apply(const struct client *c, const struct lease *lease)
{
	char text[128] = "";
	size_t used = 0;
	struct ifreq ifr = {.ifr_mtu = lease->mtu};
	int err = 0;

	if (lease->mtu >= 576) /* the least that RFC 2132, 5.1 and IPv4 hosts get along with */
		err = interface_ioctl(c->ifname, SIOCSIFMTU, &ifr);
	if (!err)
		err = interface_address(c->ifname, SIOCSIFADDR, lease->address);
	if (!err && lease->netmask.s_addr)
		err = interface_address(c->ifname, SIOCSIFNETMASK, lease->netmask);
	if (!err && lease->router.s_addr)
		err = route_default(c, lease->router);
	for (int i = 0; i < lease->dns_count; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "nameserver %s\n",
					 inet_ntoa(lease->dns[i]));
	if (!err && used)
		err = file_write("/etc/resolv.conf", text);
	if (err)
		say("%s: cannot be set up: %s", c->ifname, strerror(-err));
}

static int client_open(struct client *c)
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(CLIENT_PORT)};
	struct timespec ts;
	int one = 1;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	memcpy(&c->xid, c->mac + 2, sizeof(c->xid));
	c->xid ^= (uint32_t)ts.tv_nsec;
	c->sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (c->sock < 0)
		return -errno;
	if (setsockopt(c->sock, SOL_SOCKET, SO_BROADCAST, &one, sizeof(one)) < 0 ||
	    setsockopt(c->sock, SOL_SOCKET, SO_BINDTODEVICE, c->ifname,
		       (socklen_t)strlen(c->ifname)) < 0 ||
	    bind(c->sock, (struct sockaddr *)&any, sizeof(any)) < 0)
		return -errno;
	return 0;
}

/* The child: does not return, and tells its first lease by closing @told. */
static _Noreturn void client_run(struct client *c, int told)
{
	struct lease lease;
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	int err = link_wait(c->ifname);
	if (!err)
		err = client_open(c);
	if (err) {
		say("%s: %s", c->ifname, strerror(-err));
		_exit(1);
	}
	for (;;) {
		lease_get(c, &lease);
		do {
			lease_apply(c, &lease);
			if (told >= 0)
				close(told);
			told = -1;
		} while (lease_keep(c, &lease));
	}
}

int network_start(void)
{
	struct client c = {.sock = -1};
	int told[2];

	int err = interface_up("lo");
	if (err)
		say("lo: %s", strerror(-err));
	err = interface_find(&c);
	if (err)
		return err;
	if (pipe2(told, O_CLOEXEC) < 0)
		return -errno;
	pid_t pid = fork();
	if (pid == 0) {
		close(told[0]);
		client_run(&c, told[1]);
	}
	close(told[1]);
	if (pid < 0) {
		close(told[0]);
		return -EAGAIN;
	}
	return told[0];
}

void network_wait(int fd, int ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	if (fd < 0) {
		if (fd != -ENODEV)
			say("no network: %s", strerror(-fd));
		return;
	}
	int64_t deadline = now_ms() + ms;
	int n;
	do {
		int64_t left = deadline - now_ms();
		n = poll(&p, 1, left > 0 ? (int)left : 0);
	} while (n < 0 && errno == EINTR);
	if (n == 0)
		say("no answer to DHCP yet; going on without network");
	close(fd);
}
