/* SPDX-License-Identifier: MIT */
/* For the guest: sends each datagram back that comes to port 7, for ever. */
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

int main(void)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(7)};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	static char data[65536];

	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		perror("bind");
		return 1;
	}
	puts("ready");
	fflush(stdout);
	for (;;) {
		socklen_t len = sizeof(addr);
		ssize_t n = recvfrom(fd, data, sizeof(data), 0, (struct sockaddr *)&addr, &len);

		if (n < 0 || sendto(fd, data, (size_t)n, 0, (struct sockaddr *)&addr, len) != n)
			perror("echo");
	}
}
