// SPDX-License-Identifier: GPL-2.0
/*
 * kxo-hoard: as many games as there can be. Ends with 0 when there is no memory, and with 3 when
 * there are no tables any more.
 */
#include <fcntl.h>
#include <sys/ioctl.h>

#include <linnet/kxo.h>
#include <testing/check.h>

int main(void)
{
	const struct kxo_setup setup = {.boards = KXO_BOARDS_MAX};
	int fd, reason, tables = 0;

	while ((fd = open("/dev/kxo", O_RDWR)) >= 0 && !ioctl(fd, KXO_IOCSETUP, &setup))
		tables++;
	reason = errno;
	printf("%d tables: %s\n", tables, strerror(reason));
	CHECK(reason == ENOMEM || reason == EUSERS);
	return reason == ENOMEM ? 0 : 3;
}
