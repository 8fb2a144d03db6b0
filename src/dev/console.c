/* SPDX-License-Identifier: MIT */
/*
 * Queues come in pairs, receive (to the guest) and transmit: port 0, control, port 1, port 2, ...
 * Everything is on one loop, so that the control queues may look at any port.
 *
 * Output. A chain that the stream takes only in part stays popped, with the rest of it, until the
 * stream is writable; meanwhile the queue is not drained, and so the guest's writer waits.
 *
 * Control messages to the guest are not queued but derived: each port has a set of things that the
 * guest has yet to be told, which is turned into messages, in the order of their numbers, whenever
 * the guest has posted buffers. The set is bounded, and two changes that cancel out cost nothing.
 * The order has a use: a port is open before it has a name, so that a program which waits for the
 * name and then reads does not take a port that is not yet open for one that has ended.
 *
 * What the driver did (ports ready, ports open) is forgotten when its control queue stops, not at a
 * reset of the whole device: this loop owns that state.
 */
#include "dev/console.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/chr.h"
#include "base/endian.h"
#include "base/iov.h"
#include "virtio/vdev.h"

/* 5.3.3, 5.3.4 */
#define CONSOLE_F_MULTIPORT BIT(1)

#define CONSOLE_CONFIG_MAX_NR_PORTS 4
#define CONSOLE_CONFIG_LEN          8

/* 5.3.6.2: le32 id, le16 event, le16 value, for a name followed by it */
#define MSG_SIZE 8u

enum {
	MSG_DEVICE_READY,
	MSG_PORT_ADD,
	MSG_PORT_REMOVE,
	MSG_PORT_READY,
	MSG_CONSOLE_PORT,
	MSG_RESIZE,
	MSG_PORT_OPEN,
	MSG_PORT_NAME,
	MSG_END,
};

#define QUEUE_SIZE 64u
#define PARTS      128u

/* The control queues; a port's are rx_index() and the one behind it. */
#define CONTROL_RX 2u
#define CONTROL_TX 3u

struct port {
	struct console *con;
	unsigned id;
	struct chr *chr; /* NULL: there is no such port */
	char name[CONSOLE_NAME_MAX];
	unsigned name_len;
	bool is_console;
	bool close_at_end;

	bool host_open;    /* as the guest sees it, or will */
	bool wants_input;  /* what the stream was told last */
	bool ready;        /* the driver has the port */
	bool guest_open;   /* some program of the guest has it open */
	unsigned pending;  /* messages to send: a bit for each MSG_ */
	bool held;         /* out holds a chain, of which ... */
	unsigned out_next; /* ... iov[out_next] is the first entry left */
	struct virtq_chain out;
};

struct console {
	struct vdev vdev;
	bool multiport;           /* as negotiated */
	struct virtq_chain chain; /* for what is done at once */
	unsigned n_ports;
	struct port port[CONSOLE_PORTS_MAX];
};

static struct console *console_of(struct vdev *dev)
{
	return container_of(dev, struct console, vdev);
}

static struct vdev_queue *rx_queue(const struct port *p)
{
	return &p->con->vdev.queues[p->id ? 2 * p->id + 2 : 0];
}

static struct vdev_queue *tx_queue(const struct port *p)
{
	return rx_queue(p) + 1;
}

/* The port that a data queue belongs to. */
static struct port *port_of(struct vdev_queue *q)
{
	struct console *con = console_of(q->dev);

	return &con->port[q->index < CONTROL_RX ? 0 : q->index / 2 - 1];
}

/* Pops into con->chain, asking for kicks when there is none. */
static bool pop_now(struct console *con, struct vdev_queue *q)
{
	int r;

	do {
		r = vdev_pop(q, &con->chain);
	} while (!r && virtq_enable_kicks(&q->ring));
	return r > 0;
}

/* The chain in con->chain is not what it must be. */
static void refuse(struct console *con, struct vdev_queue *q)
{
	virtq_unpop(&q->ring, &con->chain);
	vdev_broken(q->dev,
		    "a buffer that is readable, writable or too short where it must not be");
}

/* ---- control messages to the guest ---- */

static bool send_message(struct port *p, unsigned event)
{
	struct console *con = p->con;
	struct vdev_queue *q = &con->vdev.queues[CONTROL_RX];
	uint8_t msg[MSG_SIZE + CONSOLE_NAME_MAX];
	uint32_t len = MSG_SIZE;

	if (!pop_now(con, q))
		return false;
	if (con->chain.n_read || con->chain.write_len < MSG_SIZE) {
		refuse(con, q);
		return false;
	}
	le32_store(msg, p->id);
	le16_store(msg + 4, (uint16_t)event);
	le16_store(msg + 6, event == MSG_PORT_OPEN ? p->host_open : 1);
	if (event == MSG_PORT_NAME) {
		memcpy(msg + MSG_SIZE, p->name, p->name_len);
		len += p->name_len;
	}
	len = (uint32_t)min_u64(len, con->chain.write_len);
	iov_from_buf(con->chain.iov, con->chain.n_write, 0, msg, len);
	virtq_push(&q->ring, &con->chain, len);
	p->pending &= ~(1u << event);
	return true;
}

static bool send_pending(struct port *p)
{
	for (unsigned event = 0; event < MSG_END; event++)
		if (p->pending & 1u << event && !send_message(p, event))
			return false;
	return true;
}

static void control_send(struct console *con)
{
	struct vdev_queue *q = &con->vdev.queues[CONTROL_RX];

	if (!vdev_queue_live(q))
		return;
	virtq_disable_kicks(&q->ring);
	for (unsigned i = 0; i < con->n_ports; i++)
		if (!send_pending(&con->port[i]))
			break;
	vdev_flush(q);
}

static void set_host_open(struct port *p, bool open)
{
	if (p->host_open == open)
		return;
	p->host_open = open;
	if (p->ready) {
		p->pending |= 1u << MSG_PORT_OPEN;
		control_send(p->con);
	}
}

/* ---- input: stream to guest ---- */

static bool may_receive(const struct port *p)
{
	return (p->guest_open || !p->con->multiport) && vdev_queue_live(rx_queue(p));
}

static void update_input(struct port *p)
{
	bool want = may_receive(p);

	if (!p->chr || p->wants_input == want)
		return;
	p->wants_input = want;
	chr_want_input(p->chr, want);
}

static size_t port_input(void *user, const uint8_t *buf, size_t len)
{
	struct port *p = user;
	struct console *con = p->con;
	struct vdev_queue *q = rx_queue(p);
	size_t taken = 0;

	while (taken < len && may_receive(p) && pop_now(con, q)) {
		uint32_t n = (uint32_t)min_u64(len - taken, con->chain.write_len);

		if (con->chain.n_read || !n) {
			refuse(con, q);
			break;
		}
		iov_from_buf(con->chain.iov, con->chain.n_write, 0, buf + taken, n);
		virtq_push(&q->ring, &con->chain, n);
		taken += n;
	}
	if (taken)
		vdev_flush_soon(q);
	if (taken < len)
		p->wants_input = false;
	return taken;
}

static void port_input_end(void *user)
{
	struct port *p = user;

	if (!p->close_at_end)
		return;
	/* The guest must find the last bytes before it hears that there are no more. */
	if (vdev_queue_live(rx_queue(p)))
		vdev_flush(rx_queue(p));
	set_host_open(p, false);
}

/* ---- output: guest to stream ---- */

/* Writes what is left of p->out; false: the stream is full. */
static bool write_out(struct port *p)
{
	while (p->out_next < p->out.n_read && p->chr && p->host_open) {
		struct iovec *iov = &p->out.iov[p->out_next];
		ssize_t n = chr_write(p->chr, iov->iov_base, iov->iov_len);

		if (n < 0) {
			set_host_open(p, false);
			break;
		}
		if ((size_t)n < iov->iov_len) {
			iov->iov_base = (uint8_t *)iov->iov_base + n;
			iov->iov_len -= (size_t)n;
			return false;
		}
		p->out_next++;
	}
	return true;
}

static enum vdev_taken tx_take(struct vdev_queue *q)
{
	struct port *p = port_of(q);

	if (!p->held) {
		if (vdev_pop(q, &p->out) <= 0)
			return VDEV_NONE;
		p->held = true;
		p->out_next = 0;
	}
	if (!write_out(p))
		return VDEV_STALLED;
	p->held = false;
	virtq_push(&q->ring, &p->out, 0);
	return VDEV_TAKEN;
}

static void port_writable(void *user)
{
	struct vdev_queue *q = tx_queue(user);

	if (vdev_queue_live(q))
		vdev_drain(q, tx_take);
}

static const struct chr_user_ops user_ops = {
	.input = port_input,
	.input_end = port_input_end,
	.writable = port_writable,
};

/* ---- control messages from the guest ---- */

static void port_ready(struct port *p)
{
	p->ready = true;
	if (p->is_console)
		p->pending |= 1u << MSG_CONSOLE_PORT;
	if (p->name_len)
		p->pending |= 1u << MSG_PORT_NAME;
	if (p->host_open)
		p->pending |= 1u << MSG_PORT_OPEN;
}

static void handle_message(struct console *con, uint32_t id, unsigned event, unsigned value)
{
	struct port *p = id < con->n_ports && con->port[id].chr ? &con->port[id] : NULL;

	if (event == MSG_DEVICE_READY && value == 1) {
		for (unsigned i = 0; i < con->n_ports; i++)
			if (con->port[i].chr)
				con->port[i].pending |= 1u << MSG_PORT_ADD;
	} else if (p && event == MSG_PORT_READY && value == 1) {
		port_ready(p);
	} else if (p && event == MSG_PORT_OPEN) {
		p->guest_open = value;
		update_input(p);
	}
}

static enum vdev_taken control_take(struct vdev_queue *q)
{
	struct console *con = console_of(q->dev);
	const struct virtq_chain *c = &con->chain;
	uint8_t msg[MSG_SIZE];

	if (vdev_pop(q, &con->chain) <= 0)
		return VDEV_NONE;
	if (iov_to_buf(c->iov, c->n_read, 0, msg, sizeof(msg)) < sizeof(msg)) {
		refuse(con, q);
		return VDEV_NONE;
	}
	virtq_push(&q->ring, c, 0);
	handle_message(con, le32_load(msg), le16_load(msg + 4), le16_load(msg + 6));
	return VDEV_TAKEN;
}

/* ---- the queues ---- */

static int console_queue_start(struct vdev_queue *q)
{
	console_of(q->dev)->multiport = virtq_features(&q->ring) & CONSOLE_F_MULTIPORT;
	return 0;
}

static void console_queue_kick(struct vdev_queue *q)
{
	struct console *con = console_of(q->dev);

	if (q->index == CONTROL_TX) {
		vdev_drain(q, control_take);
		control_send(con);
	} else if (q->index == CONTROL_RX) {
		control_send(con);
	} else if (q->index & 1) {
		vdev_drain(q, tx_take);
	} else {
		virtq_disable_kicks(&q->ring);
		update_input(port_of(q));
	}
}

static void forget_driver(struct console *con)
{
	for (unsigned i = 0; i < con->n_ports; i++) {
		struct port *p = &con->port[i];

		p->ready = false;
		p->guest_open = false;
		p->pending = 0;
		update_input(p);
	}
}

static void console_queue_stop(struct vdev_queue *q)
{
	if (q->index == CONTROL_TX) {
		forget_driver(console_of(q->dev));
	} else if (q->index != CONTROL_RX) {
		struct port *p = port_of(q);

		/* What the stream has not taken was not sent, as far as the driver knows. */
		if (q->index & 1 && p->held) {
			virtq_unpop(&q->ring, &p->out);
			p->held = false;
		}
		update_input(p);
	}
	vdev_queue_stopped(q);
}

/* ---- making and freeing ---- */

static void console_free(struct vdev *dev)
{
	struct console *con = console_of(dev);

	vdev_fini(dev);
	for (unsigned i = 0; i < con->n_ports; i++) {
		if (con->port[i].chr)
			chr_attach(con->port[i].chr, NULL, NULL);
		virtq_chain_fini(&con->port[i].out);
	}
	virtq_chain_fini(&con->chain);
	free(con);
}

static const struct vdev_ops console_ops = {
	.name = "console",
	.device_id = VIRTIO_ID_CONSOLE,
	.queue_start = console_queue_start,
	.queue_stop = console_queue_stop,
	.queue_kick = console_queue_kick,
	.free = console_free,
};

static int port_init(struct port *p, struct console *con, const struct console_port_config *config)
{
	p->con = con;
	p->id = (unsigned)(p - con->port);
	p->chr = config->chr;
	p->host_open = config->chr;
	p->is_console = config->is_console;
	p->close_at_end = config->close_at_end;
	if (config->name) {
		p->name_len = (unsigned)strnlen(config->name, CONSOLE_NAME_MAX);
		memcpy(p->name, config->name, p->name_len);
	}
	return virtq_chain_init(&p->out, PARTS);
}

int console_new(const struct console_config *config, struct vdev **out)
{
	struct console *con = calloc(1, sizeof(*con));
	unsigned n_queues = 2 * config->n_ports + 2;
	uint8_t max_nr_ports[4];

	assert(config->n_ports && config->n_ports <= CONSOLE_PORTS_MAX);
	if (!con)
		return -ENOMEM;
	con->n_ports = config->n_ports;
	if (virtq_chain_init(&con->chain, PARTS))
		goto fail;
	for (unsigned i = 0; i < con->n_ports; i++)
		if (port_init(&con->port[i], con, &config->port[i]))
			goto fail;
	if (vdev_init(&con->vdev, &console_ops, CONSOLE_F_MULTIPORT, n_queues, CONSOLE_CONFIG_LEN))
		goto fail;
	for (unsigned i = 0; i < n_queues; i++)
		vdev_queue_config(&con->vdev, i, QUEUE_SIZE, config->loop);
	le32_store(max_nr_ports, con->n_ports);
	vdev_config_set(&con->vdev, CONSOLE_CONFIG_MAX_NR_PORTS, max_nr_ports, 4);
	for (unsigned i = 0; i < con->n_ports; i++)
		if (con->port[i].chr)
			chr_attach(con->port[i].chr, &user_ops, &con->port[i]);
	*out = &con->vdev;
	return 0;
fail:
	for (unsigned i = 0; i < con->n_ports; i++)
		virtq_chain_fini(&con->port[i].out);
	virtq_chain_fini(&con->chain);
	free(con);
	return -ENOMEM;
}
