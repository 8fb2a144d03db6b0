/* SPDX-License-Identifier: MIT */
/*
 * A /dev/kvm that opens need not run a stock guest: some hosts have a KVM without VT-x or AMD-V
 * below it, which emulates a guest's kernel an instruction at a time and knows paging in 64-bit
 * mode only. What tells them apart is the smallest guest with 32-bit paging, which every stock
 * kernel goes through on its way up: it halts at once on a full KVM, and is shut down by the other.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/fd.h"
#include "cmd/doctor_probe.h"

#ifdef __x86_64__
#include <linux/kvm.h>

#define MEM_SIZE  0x10000u
#define DIRECTORY 0x1000u /* the page directory */
#define CODE      0x2000u
#define HLT       0xf4u

/* How far the guest came: an exit status, since it runs in a process of its own. */
enum {
	KVM_FULL,
	KVM_NO_VM,
	KVM_NO_PAGING,
};

/* Protected mode with paging: the first 4 MiB as one large page, mapped to themselves. */
static int set_registers(int cpu)
{
	const struct kvm_segment flat = {
		.limit = 0xffffffff,
		.selector = 16,
		.type = 3,
		.present = 1,
		.db = 1,
		.s = 1,
		.g = 1,
	};
	struct kvm_regs regs = {.rip = CODE, .rflags = 2};
	struct kvm_sregs s;

	if (ioctl(cpu, KVM_GET_SREGS, &s))
		return -errno;
	s.ds = s.es = s.fs = s.gs = s.ss = s.cs = flat;
	s.cs.selector = 8;
	s.cs.type = 11;
	s.cr3 = DIRECTORY;
	s.cr4 = 0x10;       /* PSE */
	s.cr0 = 0x80000011; /* PG, ET, PE */
	s.efer = 0;
	if (ioctl(cpu, KVM_SET_SREGS, &s) || ioctl(cpu, KVM_SET_REGS, &regs))
		return -errno;
	return 0;
}

static int run_to_exit(int kvm, int cpu)
{
	int size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	struct kvm_run *run;

	if (size < (int)sizeof(*run))
		return KVM_NO_VM;
	run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, cpu, 0);
	if (run == MAP_FAILED)
		return KVM_NO_VM;
	if (set_registers(cpu) || ioctl(cpu, KVM_RUN, 0))
		return KVM_NO_PAGING;
	return run->exit_reason == KVM_EXIT_HLT ? KVM_FULL : KVM_NO_PAGING;
}

/* What it opens and maps goes with its process. */
static int run_guest(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	int vm = kvm < 0 ? -1 : ioctl(kvm, KVM_CREATE_VM, 0), cpu;
	uint8_t *mem = mmap(NULL, MEM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			    0);
	const struct kvm_userspace_memory_region slot = {.memory_size = MEM_SIZE,
							 .userspace_addr = (uintptr_t)mem};
	const uint32_t large_page = 0x83; /* present, writable, 4 MiB */

	if (vm < 0 || mem == MAP_FAILED)
		return KVM_NO_VM;
	memcpy(mem + DIRECTORY, &large_page, sizeof(large_page));
	mem[CODE] = HLT;
	(void)ioctl(vm, KVM_SET_TSS_ADDR, 0xfffbd000ul); /* VT-x wants it, others may not have it */
	if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &slot))
		return KVM_NO_VM;
	cpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	return cpu < 0 ? KVM_NO_VM : run_to_exit(kvm, cpu);
}

/* The module that drives it. */
static const char *flavour(void)
{
	static const char *const known[] = {"intel", "amd", "pvm"};
	static const char *const paths[] = {"/sys/module/kvm_intel", "/sys/module/kvm_amd",
					    "/sys/module/kvm_pvm"};

	for (unsigned i = 0; i < ARRAY_SIZE(known); i++)
		if (!access(paths[i], F_OK))
			return known[i];
	return "unknown";
}

static void judge(struct doctor_finding *f)
{
	int ret = doctor_apart(run_guest);

	if (ret == KVM_FULL) {
		doctor_found(f, DOCTOR_OK, "a full one, of the kind \"%s\"", flavour());
	} else if (ret == KVM_NO_VM) {
		doctor_found(f, DOCTOR_MISSING,
			     "/dev/kvm opens, but no machine can be made (of the kind \"%s\")",
			     flavour());
		doctor_cure(f, "see what the kernel says: dmesg | grep -i kvm");
	} else {
		doctor_found(f, DOCTOR_LIMITED,
			     "of the kind \"%s\": it runs no guest with 32-bit paging, so no stock "
			     "kernel",
			     flavour());
		doctor_cure(f,
			    "a host with VT-x or AMD-V, or nested virtualization, has a full one");
	}
}
#else
static void judge(struct doctor_finding *f)
{
	doctor_found(f, DOCTOR_LIMITED,
		     "/dev/kvm is there, but of another kind of CPU than Linnet's");
}
#endif

void doctor_look_kvm(struct doctor_finding *f)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	int ret = fd < 0 ? -errno : 0;

	fd_close(&fd);
	if (!ret) {
		judge(f);
		return;
	}
	doctor_found(f, DOCTOR_MISSING, "/dev/kvm: %s; nothing needs it so far", strerror(-ret));
	if (ret == -ENOENT)
		doctor_cure(f,
			    "root: modprobe kvm_intel or kvm_amd, with VT-x or AMD-V switched on");
	else
		doctor_cure(f, "root: adduser USER kvm, and log in again");
}
