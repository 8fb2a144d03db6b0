/* SPDX-License-Identifier: MIT */
/*
 * One table; the options that can be given several times or have parts of their own are calls with
 * a small table for their keys. What depends on two options is checked at the end.
 */
#include "cmd/run_options.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/bits.h"
#include "base/err.h"
#include "cpu/cpu.h"

static const char *const mmu_names[] = {"sv39", "sv48", NULL};
static const char *const clock_names[] = {"host", "instructions", NULL};

#define AT(member) .offset = offsetof(struct run_options, member)

static const struct opt disk_keys[] = {
	{.name = "path", .kind = OPT_STRING, .offset = offsetof(struct run_disk, path)},
	{.name = "serial", .kind = OPT_STRING, .offset = offsetof(struct run_disk, serial)},
	{.name = "ro", .kind = OPT_BOOL, .offset = offsetof(struct run_disk, read_only)},
	{.name = "snapshot", .kind = OPT_BOOL, .offset = offsetof(struct run_disk, snapshot)},
	{0},
};

static int disk_option(void *ctx, const char *label, char *value, struct err *e)
{
	struct run_options *o = ctx;
	struct run_disk *d = &o->disk[o->n_disks];
	int ret;

	if (o->n_disks == MACHINE_MAX_DISKS)
		return err_set(e, -EINVAL, "%s%s: at most %d disks", label, value,
			       MACHINE_MAX_DISKS);
	*d = (struct run_disk){0};
	ret = opt_parse_list(disk_keys, d, label, value, "path", e);
	if (ret)
		return ret;
	if (!d->path || !*d->path)
		return err_set(e, -EINVAL, "%sneeds the image's path: %spath=FILE", label, label);
	if (d->serial && strlen(d->serial) > 20)
		return err_set(e, -EINVAL, "%sserial=%s: at most 20 characters", label, d->serial);
	o->n_disks++;
	return 0;
}

static int forward_option(void *ctx, const char *label, char *value, struct err *e)
{
	struct run_net *n = ctx;

	if (n->n_forwards == RUN_MAX_FORWARDS)
		return err_set(e, -EINVAL, "%s%s: at most %d forwards", label, value,
			       RUN_MAX_FORWARDS);
	return net_user_parse_forward(label, value, &n->forward[n->n_forwards++], e);
}

static const struct opt net_user_keys[] = {
	{.name = "hostfwd", .kind = OPT_CALL, .arg = "FORWARD", .call = forward_option},
	{0},
};

static int net_option(void *ctx, const char *label, char *value, struct err *e)
{
	static const char *const kinds[] = {"user", "none", NULL};
	struct run_options *o = ctx;
	char *rest = strchr(value, ',');
	unsigned kind;
	int ret;

	if (rest)
		*rest++ = '\0';
	ret = opt_parse_choice(label, value, kinds, &kind, e);
	if (ret)
		return ret;
	if (o->net.given)
		return err_set(e, -EINVAL, "%s%s: give --net once; this machine has one network",
			       label, value);
	o->net.given = true;
	o->net.none = kind == 1;
	if (!rest)
		return 0;
	if (o->net.none)
		return err_set(e, -EINVAL, "%snone,%s: a network that is not there takes no keys",
			       label, rest);
	return opt_parse_list(net_user_keys, &o->net, "--net user,", rest, NULL, e);
}

static const struct opt ring_keys[] = {
	{.name = "event-idx", .kind = OPT_BOOL, .offset = offsetof(struct run_ring, event_idx)},
	{.name = "indirect", .kind = OPT_BOOL, .offset = offsetof(struct run_ring, indirect)},
	{0},
};

static int ring_option(void *ctx, const char *label, char *value, struct err *e)
{
	static const char *const formats[] = {"split", "packed", NULL};
	struct run_options *o = ctx;
	char *rest = strchr(value, ',');
	unsigned format;
	int ret;

	if (rest)
		*rest++ = '\0';
	ret = opt_parse_choice(label, value, formats, &format, e);
	if (ret)
		return ret;
	o->ring.packed = format == 1;
	return rest ? opt_parse_list(ring_keys, &o->ring, label, rest, NULL, e) : 0;
}

static int console_option(void *ctx, const char *label, char *value, struct err *e)
{
	struct run_options *o = ctx;

	if (!strcmp(value, "stdio"))
		o->console_file = NULL;
	else if (!strncmp(value, "file:", 5) && value[5])
		o->console_file = value + 5;
	else
		return err_set(e, -EINVAL, "%s%s: give stdio or file:PATH", label, value);
	return 0;
}

static int file_option(void *ctx, const char *label, char *value, struct err *e)
{
	struct run_options *o = ctx;
	char *colon = strrchr(value, ':');

	if (o->n_files == RUN_MAX_FILES)
		return err_set(e, -EINVAL, "%s%s: at most %d files", label, value, RUN_MAX_FILES);
	if (!colon || colon == value || colon[1] != '/')
		return err_set(e, -EINVAL, "%s%s: give HOST:GUEST, and GUEST as an absolute path",
			       label, value);
	*colon = '\0';
	o->file[o->n_files++] = (struct run_file){.host = value, .guest = colon + 1};
	return 0;
}

static int fault_option(void *ctx, const char *label, char *value, struct err *e)
{
	struct run_options *o = ctx;

	if (!strcmp(value, "help"))
		o->fault_help = true;
	else if (o->n_faults == RUN_MAX_FAULTS)
		return err_set(e, -EINVAL, "%s%s: at most %d of them", label, value,
			       RUN_MAX_FAULTS);
	else
		o->fault[o->n_faults++] = value;
	return 0;
}

const struct opt run_option_table[] = {
	{.help = "Machine"},
	{.name = "machine",
	 .arg = "NAME",
	 .kind = OPT_STRING,
	 AT(machine),
	 .help = "the board (see: linnet machines)"},
	{.name = "engine",
	 .arg = "NAME",
	 .kind = OPT_STRING,
	 AT(engine),
	 .help = "what executes the guest's code: interp, or jit on x86-64 hosts"},
	{.name = "smp",
	 .arg = "N",
	 .kind = OPT_UINT,
	 AT(smp),
	 .min = 1,
	 .max = CPU_MAX_HARTS,
	 .help = "number of harts"},
	{.name = "mem",
	 .arg = "SIZE",
	 .kind = OPT_SIZE,
	 AT(mem),
	 .min = 16u << 20,
	 .max = 1ull << 40,
	 .help = "memory, such as 512M"},
	{.name = "clock",
	 .arg = "host|instructions",
	 .kind = OPT_CHOICE,
	 AT(clock),
	 .choices = clock_names,
	 .help = "instructions: every run is the same"},
	{.name = "mmu",
	 .arg = "sv39|sv48",
	 .kind = OPT_CHOICE,
	 AT(mmu),
	 .choices = mmu_names,
	 .help = "the largest address space of the harts"},
	{.help = "What it boots"},
	{.name = "kernel",
	 .arg = "F",
	 .kind = OPT_STRING,
	 AT(kernel),
	 .help = "Image (plain or gzip) or ELF"},
	{.name = "modules",
	 .arg = "DIR",
	 .kind = OPT_STRING,
	 AT(modules),
	 .help = "the kernel's lib/modules tree"},
	{.name = "initrd", .arg = "F", .kind = OPT_STRING, AT(initrd), .help = "initial RAM disk"},
	{.name = "no-extras",
	 .kind = OPT_FLAG,
	 AT(no_extras),
	 .help = "leave out Linnet's own drivers (linnet_*)"},
	{.name = "append",
	 .arg = "S",
	 .kind = OPT_STRING,
	 AT(append),
	 .help = "add to the default kernel line"},
	{.name = "append-only",
	 .arg = "S",
	 .kind = OPT_STRING,
	 AT(append_only),
	 .help = "the whole kernel line"},
	{.name = "firmware",
	 .arg = "F",
	 .kind = OPT_STRING,
	 AT(firmware),
	 .help = "M-mode program (ELF, flat) instead of the SBI"},
	{.name = "file",
	 .arg = "HOST:GUEST",
	 .kind = OPT_CALL,
	 .call = file_option,
	 .help = "put a file into the initial RAM disk"},
	{.help = "Devices"},
	{.name = "disk",
	 .arg = "path=F[,ro=on][,snapshot=on][,serial=S]",
	 .kind = OPT_CALL,
	 .call = disk_option,
	 .help = "a raw image"},
	{.name = "net",
	 .arg = "user[,hostfwd=tcp:ADDR:PORT-:PORT]...|none",
	 .kind = OPT_CALL,
	 .call = net_option,
	 .help = "the network"},
	{.name = "ring",
	 .arg = "split|packed[,event-idx=off][,indirect=off]",
	 .kind = OPT_CALL,
	 .call = ring_option,
	 .help = "what virtio devices offer"},
	{.name = "console",
	 .arg = "stdio|file:PATH",
	 .kind = OPT_CALL,
	 .call = console_option,
	 .help = "the serial port (Ctrl-A x leaves)"},
	{.name = "fault",
	 .arg = "DEVICE:OPERATION[,WHEN]...,WHAT|help",
	 .kind = OPT_CALL,
	 .call = fault_option,
	 .help = "break something on purpose"},
	{.help = "The run"},
	{.name = "exec",
	 .arg = "CMD",
	 .kind = OPT_STRING,
	 AT(exec),
	 .help = "run CMD in the guest; its status is ours"},
	{.name = "time-limit",
	 .arg = "S",
	 .kind = OPT_UINT,
	 AT(time_limit),
	 .min = 1,
	 .max = 1000000,
	 .help = "end after S seconds with status 124"},
	{.name = "no-reboot",
	 .kind = OPT_FLAG,
	 AT(no_reboot),
	 .help = "end when the guest reboots"},
	{.name = "dump-dtb",
	 .arg = "F",
	 .kind = OPT_STRING,
	 AT(dump_dtb),
	 .help = "write the device tree and end"},
	{.name = "verbose",
	 .letter = 'v',
	 .kind = OPT_FLAG,
	 AT(verbose),
	 .help = "kernel messages under --exec; a summary"},
	{0},
};

static int check(const struct run_options *o, struct err *e)
{
	if (o->append && o->append_only)
		return err_set(e, -EINVAL,
			       "--append adds to the default line and --append-only replaces it; "
			       "give one of them");
	if (o->exec && o->firmware && !o->kernel)
		return err_set(
			e, -EINVAL,
			"--exec needs the default init, which --firmware %s alone would not start; "
			"add the --kernel that it goes on to, or leave one of them out",
			o->firmware);
	if (o->exec && o->initrd)
		return err_set(e, -EINVAL,
			       "--exec needs the default init, which --initrd %s replaces; use "
			       "--file to add to the default one",
			       o->initrd);
	if (o->mem % (2u << 20))
		return err_set(e, -EINVAL, "--mem %llu: give a multiple of 2M",
			       (unsigned long long)o->mem);
	return 0;
}

int run_options_parse(struct run_options *o, int argc, char **argv, struct err *e)
{
	int used, ret;

	*o = (struct run_options){
		.smp = 1, .mem = 512u << 20, .ring = {.event_idx = true, .indirect = true}};
	ret = opt_parse(run_option_table, o, argc, argv, &used, e);
	if (ret)
		return ret;
	if (used < argc)
		return err_set(e, -EINVAL,
			       "%s: `linnet run` takes options only; see linnet run "
			       "--help",
			       argv[used]);
	return check(o, e);
}
