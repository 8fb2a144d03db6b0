// SPDX-License-Identifier: GPL-2.0
/*
 * The mailbox for clients of the kernel's mailbox framework, with the device tree's binding of
 * later kernels: two cells, the channel and the core that receives, which is 2. A message is 8
 * bytes as they are, both ways.
 *
 * The framework would wait for ever after an EBUSY with nothing on its way. So a message is always
 * accepted, and if the other core has yet to take the one before, it is sent from the timer by
 * which the framework asks whether it has been taken.
 */
#include <linux/mailbox_controller.h>
#include <linux/of.h>

#include "private.h"

#define SMALL          2
#define POLL_PERIOD_MS 1

struct duo_controller {
	struct mbox_controller mbox;
	struct duo_mailbox *mb;
	struct mbox_chan chan[DUO_CHANNELS];
	/* Sent when the channel is free. Changed by the framework's one call at a time. */
	struct duo_mail waiting[DUO_CHANNELS];
	bool waits[DUO_CHANNELS];
};

static struct duo_controller *controller_of(struct mbox_chan *chan, unsigned int *channel)
{
	struct duo_controller *c = container_of(chan->mbox, struct duo_controller, mbox);

	*channel = chan - c->chan;
	return c;
}

static int duo_send_data(struct mbox_chan *chan, void *data)
{
	unsigned int i;
	struct duo_controller *c = controller_of(chan, &i);

	c->waiting[i] = *(const struct duo_mail *)data;
	c->waits[i] = duo_channel_send(c->mb, i, &c->waiting[i]) != 0;
	return 0;
}

static bool duo_last_tx_done(struct mbox_chan *chan)
{
	unsigned int i;
	struct duo_controller *c = controller_of(chan, &i);

	if (!c->waits[i])
		return duo_channel_taken(c->mb, i);
	c->waits[i] = duo_channel_send(c->mb, i, &c->waiting[i]) != 0;
	return false;
}

static int duo_startup(struct mbox_chan *chan)
{
	unsigned int i;
	struct duo_controller *c = controller_of(chan, &i);

	duo_channel_reserve(c->mb, i, true);
	return 0;
}

static void duo_shutdown(struct mbox_chan *chan)
{
	unsigned int i;
	struct duo_controller *c = controller_of(chan, &i);

	duo_channel_reserve(c->mb, i, false);
	c->waits[i] = false;
}

static const struct mbox_chan_ops duo_chan_ops = {
	.send_data = duo_send_data,
	.last_tx_done = duo_last_tx_done,
	.startup = duo_startup,
	.shutdown = duo_shutdown,
};

static struct mbox_chan *duo_xlate(struct mbox_controller *mbox, const struct of_phandle_args *spec)
{
	if (spec->args_count != 2 || spec->args[0] >= DUO_CHANNELS || spec->args[1] != SMALL)
		return ERR_PTR(-EINVAL);
	return &mbox->chans[spec->args[0]];
}

void duo_controller_received(struct duo_mailbox *mb, unsigned int channel, struct duo_mail *mail)
{
	mbox_chan_received_data(&mb->controller->chan[channel], mail);
}

int duo_controller_init(struct duo_mailbox *mb)
{
	struct duo_controller *c = devm_kzalloc(mb->dev, sizeof(*c), GFP_KERNEL);

	if (!c)
		return -ENOMEM;
	c->mb = mb;
	c->mbox = (struct mbox_controller){.dev = mb->dev,
					   .ops = &duo_chan_ops,
					   .chans = c->chan,
					   .num_chans = DUO_CHANNELS,
					   .txdone_poll = true,
					   .txpoll_period = POLL_PERIOD_MS,
					   .of_xlate = duo_xlate};
	mb->controller = c;
	return devm_mbox_controller_register(mb->dev, &c->mbox);
}
