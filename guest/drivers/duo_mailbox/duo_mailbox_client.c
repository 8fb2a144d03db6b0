// SPDX-License-Identifier: GPL-2.0
/*
 * duo_mailbox_client: one message through the kernel's mailbox framework, as any driver would send
 * it that knows nothing of duo_mailbox. Loading it sends the two words of its parameters and waits
 * for what comes back through the same channel.
 *
 *	modprobe duo_mailbox_client words=0x11300,2	# LED on; logs the reply
 */
#include <linux/completion.h>
#include <linux/jiffies.h>
#include <linux/mailbox_client.h>
#include <linux/module.h>
#include <linux/of.h>
#include <linux/platform_device.h>

#define PATIENCE_MS 1000

static u32 words[2];
module_param_array(words, uint, NULL, 0444);
MODULE_PARM_DESC(words, "what to send");

static struct platform_device *device;

struct exchange {
	struct mbox_client client;
	struct completion done;
	u32 reply[2];
};

static void received(struct mbox_client *client, void *message)
{
	struct exchange *x = container_of(client, struct exchange, client);

	memcpy(x->reply, message, sizeof(x->reply));
	complete(&x->done);
}

static int exchange(struct device *dev)
{
	struct exchange x = {.client = {.dev = dev,
					.tx_block = true,
					.tx_tout = PATIENCE_MS,
					.rx_callback = received}};
	struct mbox_chan *channel;
	int ret;

	init_completion(&x.done);
	channel = mbox_request_channel(&x.client, 0);
	if (IS_ERR(channel))
		return dev_err_probe(dev, PTR_ERR(channel), "no channel\n");
	ret = mbox_send_message(channel, words);
	if (ret < 0)
		dev_err(dev, "the message was not taken: %d\n", ret);
	else if (!wait_for_completion_timeout(&x.done, msecs_to_jiffies(PATIENCE_MS)))
		ret = -ETIMEDOUT;
	else
		dev_info(dev, "reply 0x%x 0x%x\n", x.reply[0], x.reply[1]);
	mbox_free_channel(channel);
	return ret < 0 ? ret : 0;
}

/* A device that has the channel of the first node that has one. */
static int __init duo_mailbox_client_init(void)
{
	int ret;

	device = platform_device_register_simple("duo_mailbox_client", PLATFORM_DEVID_NONE, NULL,
						 0);
	if (IS_ERR(device))
		return PTR_ERR(device);
	device->dev.of_node = of_find_node_with_property(NULL, "mboxes");
	ret = exchange(&device->dev);
	if (ret)
		platform_device_unregister(device);
	return ret;
}
module_init(duo_mailbox_client_init);

/* The device gives its node back. */
static void __exit duo_mailbox_client_exit(void)
{
	platform_device_unregister(device);
}
module_exit(duo_mailbox_client_exit);

MODULE_DESCRIPTION("A message through the mailbox framework");
MODULE_LICENSE("GPL");
