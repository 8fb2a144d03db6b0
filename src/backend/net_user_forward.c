/* SPDX-License-Identifier: MIT */
/* The text form of a forward, cut at its five separators from left to right. */
#include "backend/net_user.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/opt.h"

#define TEXT_MAX 80

/* What is up to `separator`, which is overwritten; *rest moves behind it. NULL without one. */
static char *cut(char **rest, char separator)
{
	char *part = *rest;
	char *at = strchr(part, separator);

	if (!at)
		return NULL;
	*at = '\0';
	*rest = at + 1;
	return part;
}

static int parse_address(const char *label, const char *text, const char *part,
			 const char *if_empty, struct in_addr *out, struct err *e)
{
	if (inet_pton(AF_INET, *part ? part : if_empty, out) == 1)
		return 0;
	return err_set(e, -EINVAL, "%s%.100s: %s is no IPv4 address; leave it empty for %s", label,
		       text, part, if_empty);
}

static int parse_port(const char *label, const char *text, const char *part, uint16_t *out,
		      struct err *e)
{
	uint64_t port;

	if (opt_parse_uint("", part, 1, UINT16_MAX, &port, NULL))
		return err_set(e, -EINVAL, "%s%.100s: '%s' is no port; use 1 to 65535", label, text,
			       part);
	*out = (uint16_t)port;
	return 0;
}

int net_user_parse_forward(const char *label, const char *text, struct net_user_forward *out,
			   struct err *e)
{
	char copy[TEXT_MAX], *rest = copy;
	char *proto, *host, *host_port, *guest;
	uint32_t net;
	int ret;

	copy[0] = '\0';
	if (strlen(text) < sizeof(copy))
		memcpy(copy, text, strlen(text) + 1);
	proto = cut(&rest, ':');
	host = proto ? cut(&rest, ':') : NULL;
	host_port = host ? cut(&rest, '-') : NULL;
	guest = host_port ? cut(&rest, ':') : NULL;
	if (!guest)
		return err_set(e, -EINVAL,
			       "%s%.100s: write PROTOCOL:HOST:PORT-GUEST:PORT, such as "
			       "tcp:127.0.0.1:2222-:22",
			       label, text);
	out->udp = !strcmp(proto, "udp");
	if (!out->udp && strcmp(proto, "tcp") != 0)
		return err_set(e, -EINVAL, "%s%.100s: protocol '%s'; use tcp or udp", label, text,
			       proto);
	ret = parse_address(label, text, host, "127.0.0.1", &out->host_addr, e);
	if (!ret)
		ret = parse_port(label, text, host_port, &out->host_port, e);
	if (!ret)
		ret = parse_address(label, text, guest, "10.0.2.15", &out->guest_addr, e);
	if (!ret)
		ret = parse_port(label, text, rest, &out->guest_port, e);
	if (ret)
		return ret;
	net = ntohl(out->guest_addr.s_addr);
	if (net >> 8 != (10u << 16 | 0 << 8 | 2))
		return err_set(e, -EINVAL,
			       "%s%.100s: the guest is in 10.0.2.0/24; leave its address empty for "
			       "10.0.2.15",
			       label, text);
	return 0;
}
