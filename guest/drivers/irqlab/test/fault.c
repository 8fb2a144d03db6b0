// SPDX-License-Identifier: GPL-2.0
/*
 * irqlab-fault DEVICE DRIVER [STEP]: memory that is not there, see <testing/fault.h>: for probing
 * the device (of this name, bound to the driver whose folder in sysfs is given), and for each call
 * that allocates; with STEP for loading first, each STEP-th of its allocations. As root; without
 * STEP the module is loaded, and stays so; with it, it is not, before and after.
 */
#include <fcntl.h>

#include <testing/check.h>
#include <testing/fault.h>

static const char *device;
static char bound[300], bind[300], unbind[300], counts[300], dma[300];

static int probe(void)
{
	/* Of registers or an interrupt that it could not note down the kernel says that they are
	 * taken, or not there.
	 */
	return fault_tell(bind, device) ? ENOMEM : 0;
}

/* Its driver has it, or it has not when that was not possible. */
static void leave(int error)
{
	CHECK(!error == !access(bound, F_OK));
	CHECK(error || !fault_tell(unbind, device));
}

static int look(void)
{
	int fd = open(counts, O_RDONLY), error = 0;
	char text[2000];

	if (fd < 0)
		return errno;
	if (read(fd, text, sizeof(text)) < 0)
		error = errno;
	close(fd);
	return error;
}

static int transfer(void)
{
	return fault_tell(dma, "4096");
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	device = argv[1];
	snprintf(bound, sizeof(bound), "%s/%s", argv[2], device);
	snprintf(bind, sizeof(bind), "%s/bind", argv[2]);
	snprintf(unbind, sizeof(unbind), "%s/unbind", argv[2]);
	snprintf(counts, sizeof(counts), "/sys/kernel/debug/irqlab/%s/counts", device);
	snprintf(dma, sizeof(dma), "/sys/kernel/debug/irqlab/%s/dma", device);
	if (!fault_init())
		return 0;
	if (argc > 3)
		fault_loading("irqlab", argv[2], atoi(argv[3]));
	CHECK(!fault_tell(unbind, device));
	fault_each("probing", probe, leave);
	CHECK(!probe());
	fault_each("looking", look, NULL);
	fault_each("a transfer", transfer, NULL);
	if (argc > 3)
		fault_unload("irqlab");
	return 0;
}
