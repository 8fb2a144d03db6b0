/* SPDX-License-Identifier: MIT */
/*
 * The init of a machine that has nothing but a kernel, a module and a test program: loads
 * /scull.ko, runs /test on its devices, says "status: N" on the console, and switches the
 * machine off. All three may be for another word size than the kernel.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

static int run(char *const argv[])
{
	pid_t child = fork();
	int status;

	if (!child) {
		execv(argv[0], argv);
		_exit(127);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		return -1;
	return status;
}

static int test(void)
{
	static char *const argv[] = {"/test", "/dev/scull0", "/dev/scullpipe0",
				     "/sys/class/scull/scull0", NULL};
	int fd = open("/scull.ko", O_RDONLY);

	if (fd < 0 || syscall(SYS_finit_module, fd, "", 0)) {
		perror("/scull.ko");
		return -1;
	}
	return run(argv);
}

int main(void)
{
	struct utsname system;
	int fd, status;

	if (mount("none", "/dev", "devtmpfs", 0, NULL) || mount("none", "/sys", "sysfs", 0, NULL))
		perror("mount");
	fd = open("/dev/console", O_RDWR);
	dup2(fd, 1);
	dup2(fd, 2);
	status = test();
	uname(&system);
	printf("kernel: %s %s\nword: %zu\nstatus: %d\n", system.release, system.machine,
	       sizeof(long), status);
	fflush(stdout);
	sync();
	reboot(RB_POWER_OFF);
	return 1;
}
