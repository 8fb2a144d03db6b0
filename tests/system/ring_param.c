/* SPDX-License-Identifier: MIT */
/*
 * Usage: ring_param INTERFACE RX TX. In the guest: what `ethtool -G` does, which Debian's image has
 * not. Sets the sizes of an interface's rings and prints what they are then, and at most.
 */
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

int main(int argc, char **argv)
{
	struct ethtool_ringparam ring = {.cmd = ETHTOOL_GRINGPARAM};
	struct ifreq ifr = {.ifr_data = (void *)&ring};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (argc != 4 || fd < 0)
		return 2;
	strncpy(ifr.ifr_name, argv[1], IFNAMSIZ - 1);
	if (ioctl(fd, SIOCETHTOOL, &ifr))
		return 1;
	ring.cmd = ETHTOOL_SRINGPARAM;
	ring.rx_pending = (unsigned)atoi(argv[2]);
	ring.tx_pending = (unsigned)atoi(argv[3]);
	if (ioctl(fd, SIOCETHTOOL, &ifr)) {
		printf("refused: %s\n", strerror(errno));
		return 1;
	}
	ring.cmd = ETHTOOL_GRINGPARAM;
	if (ioctl(fd, SIOCETHTOOL, &ifr))
		return 1;
	printf("rx %u of %u, tx %u of %u\n", ring.rx_pending, ring.rx_max_pending, ring.tx_pending,
	       ring.tx_max_pending);
	return 0;
}
