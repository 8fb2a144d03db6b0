/* SPDX-License-Identifier: MIT */
/*
 * One step a function, in the order of the messages. What a back end lacks is said by name, since
 * it is mostly another program, or another kind of device, than the user meant.
 */
#include "remote/handshake.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "mem/gmem.h"
#include "virtio/spec.h"

#define PROTOCOL \
	(VU_PROTOCOL_F_MQ | VU_PROTOCOL_F_REPLY_ACK | VU_PROTOCOL_F_NET_MTU | VU_PROTOCOL_F_CONFIG)

struct step {
	struct vu_conn *conn;
	const struct remote_kind_info *kind;
	const struct remote_config *cfg;
	struct handshake *peer;
	struct err *e;
};

/* What went wrong, for messages. */
static int call_failed(const struct step *s, int ret, const char *what)
{
	const char *why = strerror(-ret);

	if (ret == -ETIMEDOUT)
		why = "it does not answer";
	else if (ret == -EPROTO)
		why = "it answers wrongly; is it a vhost-user back end?";
	else if (ret == -ECONNRESET || ret == -EPIPE)
		why = "it has ended";
	else if (ret == -EREMOTEIO)
		why = "it refuses";
	return err_set(s->e, ret, "%s: the back end, asked for %s: %s", s->cfg->label, what, why);
}

static int get_u64(const struct step *s, uint32_t request, const char *what, uint64_t *out)
{
	union vu_payload reply;
	const struct vu_request r = {.request = request, .reply_len = sizeof(uint64_t)};
	int ret = vu_call(s->conn, &r, &reply);

	if (ret)
		return call_failed(s, ret, what);
	*out = reply.u64;
	return 0;
}

static int set_u64(const struct step *s, uint32_t request, const char *what, const uint64_t *v)
{
	const struct vu_request r = {.request = request, .payload = v, .len = v ? sizeof(*v) : 0};
	int ret = vu_call(s->conn, &r, NULL);

	return ret ? call_failed(s, ret, what) : 0;
}

static int agree_features(const struct step *s)
{
	int ret = get_u64(s, VU_GET_FEATURES, "its features", &s->peer->features);

	if (ret)
		return ret;
	if (!(s->peer->features & VIRTIO_F_VERSION_1))
		return err_set(s->e, -EPROTONOSUPPORT,
			       "%s: the back end knows only the virtio of before 1.0",
			       s->cfg->label);
	ret = set_u64(s, VU_SET_OWNER, "a session", NULL);
	if (ret || !(s->peer->features & VU_F_PROTOCOL_FEATURES))
		return ret;
	ret = get_u64(s, VU_GET_PROTOCOL_FEATURES, "the protocol's features", &s->peer->protocol);
	if (ret)
		return ret;
	s->peer->protocol &= PROTOCOL;
	return set_u64(s, VU_SET_PROTOCOL_FEATURES, "the protocol's features", &s->peer->protocol);
}

static int check_queues(const struct step *s, unsigned wanted)
{
	uint64_t n = 1;
	int ret;

	if (!(s->peer->protocol & VU_PROTOCOL_F_MQ))
		return 0; /* it does not count them; two is what every fs and net has */
	ret = get_u64(s, VU_GET_QUEUE_NUM, "its queues", &n);
	if (ret)
		return ret;
	/* A network counts pairs. */
	if (s->cfg->kind == REMOTE_NET)
		wanted /= 2;
	if (n < wanted)
		return err_set(s->e, -EINVAL, "%s: the back end has %llu queues, and %u are wanted",
			       s->cfg->label, (unsigned long long)n, wanted);
	return 0;
}

static int get_config(const struct step *s, uint8_t *config)
{
	struct vu_config ask = {.size = s->kind->config_len};
	size_t len = offsetof(struct vu_config, bytes) + s->kind->config_len;
	const struct vu_request r = {
		.request = VU_GET_CONFIG, .payload = &ask, .len = len, .reply_len = len};
	union vu_payload reply;
	int ret;

	if (!s->kind->asks_config)
		return 0;
	if (!(s->peer->protocol & VU_PROTOCOL_F_CONFIG))
		return err_set(s->e, -EPROTONOSUPPORT,
			       "%s: the back end does not tell the disk's size; is it one for "
			       "disks?",
			       s->cfg->label);
	ret = vu_call(s->conn, &r, &reply);
	if (ret)
		return call_failed(s, ret, "the device's configuration");
	if (reply.config.offset || reply.config.size != s->kind->config_len)
		return call_failed(s, -EPROTO, "the device's configuration");
	memcpy(config, reply.config.bytes, s->kind->config_len);
	return 0;
}

static void add_regions(struct vu_memory *m, int *fd, const struct gmem *mem)
{
	for (unsigned i = 0; i < mem->n; i++) {
		m->region[m->n] = (struct vu_region){.guest_addr = mem->region[i].gpa,
						     .size = mem->region[i].size,
						     .user_addr = mem->region[i].gpa};
		fd[m->n++] = mem->region[i].fd;
	}
}

static int give_memory(const struct step *s, const struct gmem *rings)
{
	struct vu_memory m = {0};
	int fd[VU_REGIONS_MAX], ret;
	struct vu_request r = {.request = VU_SET_MEM_TABLE, .payload = &m, .fds = fd};

	if (s->cfg->mem->n + rings->n > VU_REGIONS_MAX)
		return err_set(s->e, -ENOSPC, "%s: memory in more than %u parts", s->cfg->label,
			       VU_REGIONS_MAX - rings->n);
	add_regions(&m, fd, s->cfg->mem);
	add_regions(&m, fd, rings);
	r.n_fds = m.n;
	r.len = offsetof(struct vu_memory, region) + m.n * sizeof(m.region[0]);
	r.need_reply = s->peer->protocol & VU_PROTOCOL_F_REPLY_ACK;
	ret = vu_call(s->conn, &r, NULL);
	return ret ? call_failed(s, ret, "the use of the guest's memory") : 0;
}

/* Who does not know of it lets larger frames through, as a wire would. */
static int tell_mtu(const struct step *s)
{
	const uint64_t mtu = s->cfg->mtu;
	const struct vu_request r = {.request = VU_NET_SET_MTU,
				     .payload = &mtu,
				     .len = sizeof(mtu),
				     .need_reply = s->peer->protocol & VU_PROTOCOL_F_REPLY_ACK};
	int ret;

	if (!mtu || !(s->peer->protocol & VU_PROTOCOL_F_NET_MTU))
		return 0;
	ret = vu_call(s->conn, &r, NULL);
	return ret ? call_failed(s, ret, "its MTU") : 0;
}

int handshake(struct vu_conn *c, const struct remote_kind_info *kind,
	      const struct remote_config *cfg, const struct gmem *rings, unsigned n_queues,
	      struct handshake *out, uint8_t *config, struct err *e)
{
	const struct step s = {.conn = c, .kind = kind, .cfg = cfg, .peer = out, .e = e};
	int ret = agree_features(&s);

	if (!ret)
		ret = check_queues(&s, n_queues);
	if (!ret)
		ret = get_config(&s, config);
	if (!ret)
		ret = tell_mtu(&s);
	if (!ret)
		ret = give_memory(&s, rings);
	return ret;
}
