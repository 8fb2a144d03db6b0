/* SPDX-License-Identifier: MIT */
/*
 * The kind comes first and decides which keys may follow.
 *
 * A user network is the guest's alone, so its address may always be the same; so is passt's.
 * Machines with TAP devices may meet on a bridge: there the address is made of the interface's
 * name, which is different for each of them and the same in each run. Those at a switch have
 * nothing that tells them apart, so theirs is random.
 */
#include "cmd/run_net.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "backend/net.h"
#include "backend/net_conns.h"
#include "backend/net_passt.h"
#include "backend/net_pcap.h"
#include "backend/net_tap.h"
#include "base/err.h"
#include "base/opt.h"
#include "dev/net_spec.h"
#include "machine/machine.h"

static const uint8_t default_mac[6] = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};

static int forward_option(void *ctx, const char *label, char *value, struct err *e)
{
	struct run_net *n = ctx;

	if (n->n_forwards == RUN_MAX_FORWARDS)
		return err_set(e, -EINVAL, "%s%s: at most %d forwards", label, value,
			       RUN_MAX_FORWARDS);
	return net_user_parse_forward(label, value, &n->forward[n->n_forwards++], e);
}

/* Six bytes, neither of a group (IEEE 802: the first one is odd) nor all zero. */
static int mac_option(void *ctx, const char *label, char *value, struct err *e)
{
	static const uint8_t zero[6];
	struct run_net *n = ctx;
	uint8_t *m = n->mac;
	int end = 0;

	if (strlen(value) != 17 || strspn(value, "0123456789abcdefABCDEF:") != 17 ||
	    sscanf(value, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &m[0], &m[1], &m[2], &m[3],
		   &m[4], &m[5], &end) != 6 ||
	    end != 17 || (m[0] & 1) || !memcmp(m, zero, sizeof(zero)))
		return err_set(e, -EINVAL,
			       "%s%s: is no address of a network card; give one such as "
			       "52:54:00:12:34:56",
			       label, value);
	return 0;
}

#define AT(member) .offset = offsetof(struct run_net, member)
#define HOSTFWD                                                                                \
	{                                                                                      \
		.name = "hostfwd", .kind = OPT_CALL, .arg = "FORWARD", .call = forward_option, \
		.repeat = true                                                                 \
	}
#define IFNAME                                                   \
	{                                                        \
		.name = "ifname", .kind = OPT_STRING, AT(ifname) \
	}
#define QUEUES                                                                                 \
	{                                                                                      \
		.name = "queues", .kind = OPT_UINT, .min = 1, .max = NET_PAIRS_MAX, AT(queues) \
	}
/* What every card takes. */
#define CARD                                                                                       \
	{.name = "mac", .kind = OPT_CALL, .arg = "ADDRESS", .call = mac_option},                   \
		{.name = "mtu", .kind = OPT_UINT, .min = NET_MTU_MIN, .max = UINT16_MAX, AT(mtu)}, \
		{.name = "speed", .kind = OPT_UINT, .min = 1, .max = INT32_MAX, AT(speed)},        \
		{.name = "iothread", .kind = OPT_UINT, .max = IOTHREADS_MAX - 1, AT(iothread)},    \
	{                                                                                          \
		.name = "pcap", .kind = OPT_STRING, .arg = "F", AT(pcap)                           \
	}

#define PATH(key)                                                     \
	{                                                             \
		.name = key, .kind = OPT_STRING, .arg = "F", AT(path) \
	}

#define CONNS                                                                                      \
	{                                                                                          \
		.name = "connections", .kind = OPT_UINT, .min = 1, .max = NET_CONNS_MAX, AT(conns) \
	}

static const struct opt user_keys[] = {HOSTFWD, CONNS, CARD, {0}};
static const struct opt tap_keys[] = {IFNAME, QUEUES, CARD, {0}};
static const struct opt switch_keys[] = {PATH("path"), CARD, {0}};
static const struct opt passt_keys[] = {PATH("socket"), CARD, {0}};
const struct opt run_net_keys[] = {
	HOSTFWD, CONNS, IFNAME, QUEUES, PATH("path"), PATH("socket"), CARD, {0},
};

const char *const run_net_kinds[] = {"user", "tap", "switch", "passt", "none", NULL};

/* By enum run_net_kind; `needs` is what a kind cannot do without. */
static const struct kind {
	const char *name;
	const struct opt *keys;
	const char *needs, *form;
} kinds[] = {
	{"user", user_keys, NULL, NULL},
	{"tap", tap_keys, "the name of the host's interface", "tap,ifname=NAME"},
	{"switch", switch_keys, "the path that `linnet switch` was given", "switch=PATH"},
	{"passt", passt_keys, "the path of passt's socket", "passt,socket=PATH"},
	{"none", NULL, NULL, NULL},
};

/* 0, or -EINVAL: the key that the kind cannot do without is not there. */
static int need(const struct run_net *n, const char *label, struct err *e)
{
	const struct kind *k = &kinds[n->kind];
	const char *given = n->kind == RUN_NET_TAP ? n->ifname : n->path;

	if (!k->needs || (given && *given))
		return 0;
	return err_set(e, -EINVAL, "%s%s: needs %s: %s%s", label, k->name, k->needs, label,
		       k->form);
}

int run_net_parse(struct run_net *n, const char *label, char *value, struct err *e)
{
	char *rest = strchr(value, ','), *path = NULL, inner[64];
	int ret;

	if (rest)
		*rest++ = '\0';
	if (!strncmp(value, "switch=", 7)) { /* the same as switch,path= */
		path = value + 7;
		path[-1] = '\0';
	}
	if (n->given)
		return err_set(e, -EINVAL, "%s%s: give --net once; this machine has one network",
			       label, value);
	ret = opt_parse_choice(label, value, run_net_kinds, &n->kind, e);
	if (ret)
		return ret;
	n->given = true;
	n->path = path;
	if (rest && !kinds[n->kind].keys)
		return err_set(e, -EINVAL, "%snone,%s: a network that is not there takes no keys",
			       label, rest);
	(void)snprintf(inner, sizeof(inner), "%s%s,", label, kinds[n->kind].name);
	if (rest)
		ret = opt_parse_list(kinds[n->kind].keys, n, inner, rest, NULL, e);
	return ret ? ret : need(n, label, e);
}

/* 52:54:00 and 24 bits of the name (FNV-1a). */
static void mac_of_name(const char *name, uint8_t mac[6])
{
	uint32_t h = 2166136261u;

	while (*name)
		h = (h ^ (uint8_t)*name++) * 16777619u;
	memcpy(mac, default_mac, 3);
	mac[3] = (uint8_t)(h >> 16);
	mac[4] = (uint8_t)(h >> 8);
	mac[5] = (uint8_t)h;
}

/* 0, or -errno with a message. `mac` gets the kind's own address for the card. */
static int open_kind(const struct run_net *n, struct net **out, uint8_t mac[6], struct err *e)
{
	const struct net_user_config cfg = {
		.forwards = n->forward, .n_forwards = n->n_forwards, .max_conns = n->conns};

	memcpy(mac, default_mac, sizeof(default_mac));
	switch (n->kind) {
	case RUN_NET_TAP:
		mac_of_name(n->ifname, mac);
		return net_tap_open(n->ifname, n->queues ? n->queues : 1, out, e);
	case RUN_NET_PASST: return net_passt_open(n->path, out, e);
	default: return net_user_open(&cfg, out, e);
	}
}

static bool has_address(const struct run_net *n)
{
	static const uint8_t zero[6];

	return memcmp(n->mac, zero, sizeof(zero)) != 0;
}

/* 52:54 and 32 random bits: the first byte says that it is of nobody's range. */
int run_net_address(const struct run_net *n, uint8_t mac[6], struct err *e)
{
	memcpy(mac, default_mac, 2);
	if (has_address(n))
		memcpy(mac, n->mac, sizeof(n->mac));
	else if (getrandom(mac + 2, 4, 0) != 4)
		return err_set(e, -EIO, "the host gives no random numbers for a card's address");
	return 0;
}

int run_net_open(const struct run_net *n, struct machine_net *out, struct err *e)
{
	struct net *net;
	int ret;

	*out = (struct machine_net){
		.mtu = n->mtu, .speed = n->speed, .n_queues = n->queues, .iothread = n->iothread};
	ret = open_kind(n, &net, out->mac, e);
	if (ret)
		return ret;
	if (has_address(n))
		memcpy(out->mac, n->mac, sizeof(out->mac));
	out->net = net;
	if (n->pcap) {
		ret = net_pcap_new(net, n->pcap, &out->net, e);
		if (ret)
			net->ops->free(net);
	}
	return ret;
}
