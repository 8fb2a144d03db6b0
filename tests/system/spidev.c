/* SPDX-License-Identifier: MIT */
/* Runs in the guest. usage: spidev DEVICE MODE BITS WORD... - one transfer by Linux's spidev, and
 * what came back, a word a time, in hexadecimal as the arguments. */
#include <errno.h>
#include <fcntl.h>
#include <linux/spi/spidev.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WORDS_MAX 256
/* So slow that the driver's time limit is long: it counts from the length and the speed. */
#define SPEED     2000
#define TRIES     20

/* A part that another process plays may be slower than the driver waits, on a busy host. */
static int transfer(int fd, struct spi_ioc_transfer *t)
{
	int ret = -1;

	for (int i = 0; i < TRIES && ret < 0; i++) {
		ret = ioctl(fd, SPI_IOC_MESSAGE(1), t);
		if (ret < 0 && errno != ETIMEDOUT)
			break;
	}
	return ret;
}

int main(int argc, char **argv)
{
	static uint16_t tx16[WORDS_MAX], rx16[WORDS_MAX];
	static uint8_t tx8[WORDS_MAX], rx8[WORDS_MAX];
	struct spi_ioc_transfer t = {.speed_hz = SPEED};
	int n = argc - 4, fd, ret = -1;

	if (n < 1 || n > WORDS_MAX)
		return 2;
	uint8_t mode = (uint8_t)atoi(argv[2]), bits = (uint8_t)atoi(argv[3]);
	for (int i = 0; i < n; i++) {
		tx16[i] = (uint16_t)strtoul(argv[4 + i], NULL, 16);
		tx8[i] = (uint8_t)tx16[i];
	}
	fd = open(argv[1], O_RDWR);
	t.tx_buf = (uintptr_t)(bits > 8 ? (void *)tx16 : tx8);
	t.rx_buf = (uintptr_t)(bits > 8 ? (void *)rx16 : rx8);
	t.len = (uint32_t)n * (bits > 8 ? 2 : 1);
	t.bits_per_word = bits;
	if (fd >= 0 && !ioctl(fd, SPI_IOC_WR_MODE, &mode))
		ret = transfer(fd, &t);
	if (ret < 0) {
		fprintf(stderr, "%s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	for (int i = 0; i < n; i++)
		printf("%s%0*x", i ? " " : "", bits > 8 ? 4 : 2, bits > 8 ? rx16[i] : rx8[i]);
	printf("\n");
	return 0;
}
