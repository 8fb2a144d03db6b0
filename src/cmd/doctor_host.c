/* SPDX-License-Identifier: MIT */
/*
 * Each probe tries the thing itself where that leaves no trace: a file in /dev or a setting in
 * /proc only tells what may be there.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/io_uring.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/fd.h"
#include "base/opt.h"
#include "cmd/doctor_probe.h"
#include "cmd/virtiofsd.h"
#include "cpu/cpu.h"

#define MIB         (1ull << 20)
#define DEFAULT_MEM (512 * MIB)
#define OVERHEAD    (64 * MIB) /* of a machine, beside the guest's memory */

/* A line "NAME: N kB" of /proc/meminfo in bytes; 0 when there is none. */
static uint64_t meminfo(const char *name)
{
	FILE *f = fopen("/proc/meminfo", "re");
	unsigned long long kib = 0;
	size_t len = strlen(name);
	char line[128];

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, name, len) && line[len] == ':' &&
		    sscanf(line + len + 1, "%llu", &kib) == 1)
			break;
	if (f)
		(void)fclose(f);
	return kib * 1024;
}

static void look_memory(struct doctor_finding *f)
{
	uint64_t available = meminfo("MemAvailable");
	struct rlimit as;

	if (!getrlimit(RLIMIT_AS, &as) && as.rlim_cur < DEFAULT_MEM + OVERHEAD) {
		doctor_found(f, DOCTOR_MISSING, "a process may have %llu MiB (ulimit -v)",
			     (unsigned long long)(as.rlim_cur / MIB));
		doctor_cure(f, "raise the limit, or give less: linnet run --mem 128M");
		return;
	}
	doctor_found(f, available < DEFAULT_MEM + OVERHEAD ? DOCTOR_LIMITED : DOCTOR_OK,
		     "%llu of %llu MiB are available; a guest has 512 MiB by default",
		     (unsigned long long)(available / MIB),
		     (unsigned long long)(meminfo("MemTotal") / MIB));
	if (f->state != DOCTOR_OK)
		doctor_cure(f, "end other programs, or give less: linnet run --mem 128M");
}

static void look_network(struct doctor_finding *f)
{
	void *handle = dlopen("libslirp.so.0", RTLD_NOW | RTLD_LOCAL);

	/* It stays loaded: glib does not bear being unloaded. */
	if (handle) {
		doctor_found(f, DOCTOR_OK, "libslirp is there");
		return;
	}
	doctor_found(f, DOCTOR_MISSING, "libslirp cannot be loaded: %s", dlerror());
	doctor_cure(f, "install libslirp0, or do without: linnet run --net none");
}

static void look_engine(struct doctor_finding *f)
{
	const struct cpu_engine *best = cpu_engines[0];

	if (cpu_engine_default() == best) {
		doctor_found(f, DOCTOR_OK, "%s", best->name);
		return;
	}
	doctor_found(f, DOCTOR_LIMITED, "%s only: memory cannot be made executable",
		     cpu_engine_default()->name);
	doctor_cure(f, "let this program have executable memory (SELinux: execmem)");
}

static void look_cpus(struct doctor_finding *f)
{
	unsigned n = host_cpus();

	doctor_found(f, DOCTOR_OK, "%u CPU%s for this process; more harts (--smp) share them", n,
		     n == 1 ? "" : "s");
}

static void look_tun(struct doctor_finding *f)
{
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	int ret = fd < 0 ? -errno : 0;
	unsigned features;

	if (!ret && ioctl(fd, TUNGETFEATURES, &features))
		ret = -errno;
	fd_close(&fd);
	if (!ret) {
		doctor_found(f, DOCTOR_OK, "/dev/net/tun can be opened");
		return;
	}
	doctor_found(f, DOCTOR_MISSING, "/dev/net/tun: %s", strerror(-ret));
	if (ret == -ENOENT)
		doctor_cure(f, "root: modprobe tun (in a container: --device /dev/net/tun)");
	else if (ret == -EACCES || ret == -EPERM)
		doctor_cure(f,
			    "root: chmod 666 /dev/net/tun; that alone lets nobody change networks");
	else
		doctor_cure(f, "it is no TUN device, or its driver is not there: modprobe tun");
}

static void look_io_uring(struct doctor_finding *f)
{
	struct io_uring_params p = {0};
	int fd = (int)syscall(SYS_io_uring_setup, 4, &p);
	int ret = fd < 0 ? -errno : 0;
	char setting[16];

	fd_close(&fd);
	if (!ret) {
		doctor_found(f, DOCTOR_OK, "can be used");
		return;
	}
	doctor_found(f, DOCTOR_MISSING, "cannot be used: %s; a pool of threads stands in",
		     strerror(-ret));
	doctor_line("/proc/sys/kernel/io_uring_disabled", setting, sizeof(setting));
	if (*setting && *setting != '0')
		doctor_cure(f, "root: sysctl kernel.io_uring_disabled=0 (it is %s)", setting);
	else if (ret == -EPERM)
		doctor_cure(f, "a container's seccomp profile keeps it from its processes");
	else if (ret == -ENOMEM)
		doctor_cure(f, "raise the limit of locked memory: ulimit -l");
	else
		doctor_cure(f, "it takes Linux 5.1 or newer");
}

static void look_memlock(struct doctor_finding *f)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_MEMLOCK, &l)) {
		doctor_found(f, DOCTOR_MISSING, "unknown: %s", strerror(errno));
	} else if (l.rlim_cur == RLIM_INFINITY) {
		doctor_found(f, DOCTOR_OK, "no limit");
	} else {
		doctor_found(f, l.rlim_cur < 8 * MIB ? DOCTOR_LIMITED : DOCTOR_OK, "%llu KiB",
			     (unsigned long long)(l.rlim_cur / 1024));
		if (f->state != DOCTOR_OK)
			doctor_cure(f,
				    "raise it (ulimit -l, or memlock in /etc/security/limits.conf) "
				    "for large io_uring buffers");
	}
}

static int make_user_namespace(void)
{
	return unshare(CLONE_NEWUSER) ? errno : 0;
}

static void look_user_namespaces(struct doctor_finding *f)
{
	int ret = doctor_apart(make_user_namespace);

	if (!ret) {
		doctor_found(f, DOCTOR_OK, "can be made");
		return;
	}
	doctor_found(f, DOCTOR_MISSING, "cannot be made: %s", strerror(ret < 0 ? -ret : ret));
	if (ret == ENOSPC || ret == EUSERS)
		doctor_cure(f, "root: sysctl user.max_user_namespaces=10000");
	else
		doctor_cure(f, "root: sysctl kernel.unprivileged_userns_clone=1, or the security "
			       "module or container that forbids them");
}

static void look_share(struct doctor_finding *f)
{
	bool apart;

	look_user_namespaces(f);
	apart = f->state == DOCTOR_OK;
	if (!apart && virtiofsd_is_root())
		*f = (struct doctor_finding){.state = DOCTOR_OK};
	if (f->state == DOCTOR_OK && virtiofsd_path()) {
		doctor_found(f, DOCTOR_OK, "%s is there, and %s", virtiofsd_path(),
			     apart ? "user namespaces" : "root, who needs no user namespaces");
	} else if (f->state == DOCTOR_OK) {
		doctor_found(f, DOCTOR_MISSING, "there is no virtiofsd");
		doctor_cure(f, "install Debian's qemu-system-common");
	}
}

static void look_huge_pages(struct doctor_finding *f)
{
	char enabled[128], shared[128];

	doctor_line("/sys/kernel/mm/transparent_hugepage/enabled", enabled, sizeof(enabled));
	doctor_line("/sys/kernel/mm/transparent_hugepage/shmem_enabled", shared, sizeof(shared));
	if (!*enabled) {
		doctor_found(f, DOCTOR_MISSING, "this kernel has no transparent huge pages");
		return;
	}
	if (strstr(enabled, "[never]") || strstr(shared, "[never]") || strstr(shared, "[deny]")) {
		doctor_found(f, DOCTOR_LIMITED, "%s; for shared memory, which a guest's is: %s",
			     enabled, shared);
		doctor_cure(f,
			    "root: echo advise >/sys/kernel/mm/transparent_hugepage/shmem_enabled; "
			    "it saves some page faults");
		return;
	}
	doctor_found(f, DOCTOR_OK, "transparent ones, and for shared memory");
}

const struct doctor_probe doctor_probes[] = {
	{"program", "its own files", true, doctor_look_program},
	{"guest", "the default guest", true, doctor_look_guest},
	{"memory", "the guest's memory", true, look_memory},
	{"network", "--net user, the default", true, look_network},
	{"disk", "the cache", false, doctor_look_disk},
	{"engine", "--engine", false, look_engine},
	{"cpus", "--smp", false, look_cpus},
	{"kbuild", "linnet kbuild, to build modules", false, doctor_look_kbuild},
	{"kvm", "machines of this host's own CPU", false, doctor_look_kvm},
	{"tun", "--net tap", false, look_tun},
	{"io_uring", "files without a thread for each request", false, look_io_uring},
	{"memlock", "io_uring's registered memory", false, look_memlock},
	{"namespaces", "tests of networks without root", false, look_user_namespaces},
	{"share", "--share, folders of this host in the guest", false, look_share},
	{"huge-pages", "fewer page faults", false, look_huge_pages},
};

const unsigned doctor_n_probes = ARRAY_SIZE(doctor_probes);
