/* SPDX-License-Identifier: MIT */
/*
 * One table; the options that can be given several times or have parts of their own are calls with
 * a small table for their keys. What depends on two options is checked at the end.
 */
#include "cmd/run_options.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/err.h"
#include "cmd/config.h"
#include "cmd/run_wires.h"
#include "cpu/cpu.h"

static const char *const mmu_names[] = {"sv39", "sv48", NULL};
static const char *const transport_names[] = {"mmio", "pci", NULL};
static const char *const interrupts_names[] = {"plic", "aia", NULL};
static const char *const rpmsg_names[] = {"none", "echo", NULL};
static const char *const clock_names[] = {"host", "instructions", NULL};

#define AT(member) .offset = offsetof(struct run_options, member)

static int disk_option(void *ctx, const char *label, char *value, struct err *e)
{
	struct run_options *o = ctx;
	int ret;

	if (o->n_disks == MACHINE_MAX_DISKS)
		return err_set(e, -EINVAL, "%s%s: at most %d disks", label, value,
			       MACHINE_MAX_DISKS);
	ret = run_disk_parse(&o->disk[o->n_disks], label, value, e);
	o->n_disks += !ret;
	return ret;
}

static int net_option(void *ctx, const char *label, char *value, struct err *e)
{
	struct run_options *o = ctx;

	return run_net_parse(&o->net, label, value, e);
}

#define RING_BOOL(key, member) \
	.name = (key), .kind = OPT_BOOL, .offset = offsetof(struct run_ring, member)

static const struct opt ring_keys[] = {
	{RING_BOOL("event-idx", event_idx)},
	{RING_BOOL("indirect", indirect)},
	{RING_BOOL("in-order", in_order)},
	{RING_BOOL("notification-data", notification_data)},
	{RING_BOOL("queue-reset", queue_reset)},
	{RING_BOOL("access-platform", access_platform)},
	{.name = "size",
	 .kind = OPT_UINT,
	 .min = 1,
	 .max = 32768,
	 .offset = offsetof(struct run_ring, size)},
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
	ret = rest ? opt_parse_list(ring_keys, &o->ring, label, rest, NULL, e) : 0;
	if (!ret && !o->ring.packed && o->ring.size & (o->ring.size - 1))
		ret = err_set(e, -EINVAL,
			      "%s: size=%u: a split ring's size is a power of two; with "
			      "--ring packed it need not be",
			      label, o->ring.size);
	return ret;
}

static int console_option(void *ctx, const char *label, char *value, struct err *e)
{
	struct run_options *o = ctx;

	return run_console_parse(&o->console, label, value, e);
}

static int control_option(void *ctx, const char *label, char *value, struct err *e)
{
	struct run_options *o = ctx;

	if (strncmp(value, "unix:", 5) || !value[5])
		return err_set(e, -EINVAL, "%s%s: give unix:PATH", label, value);
	o->control = value + 5;
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

static int env_option(void *ctx, const char *label, char *value, struct err *e)
{
	struct run_options *o = ctx;

	if (o->n_env == RUN_MAX_ENV)
		return err_set(e, -EINVAL, "%s%s: at most %d variables", label, value, RUN_MAX_ENV);
	if (*value == '=' || !strchr(value, '='))
		return err_set(e, -EINVAL, "%s%s: give NAME=VALUE", label, value);
	o->env[o->n_env++] = value;
	return 0;
}

static const char *machine_name(unsigned i)
{
	return i < machine_n_types ? machine_types[i]->name : NULL;
}

static const char *engine_name(unsigned i)
{
	return i < cpu_n_engines ? cpu_engines[i]->name : NULL;
}

static const struct opt gdb_keys[] = {
	{.name = "address",
	 .kind = OPT_STRING,
	 .offset = offsetof(struct run_gdb_options, address)},
	{.name = "wait", .kind = OPT_BOOL, .offset = offsetof(struct run_gdb_options, wait)},
	{0},
};

static int gdb_option(void *ctx, const char *label, char *value, struct err *e)
{
	struct run_options *o = ctx;
	int ret;

	o->gdb = (struct run_gdb_options){0};
	ret = opt_parse_list(gdb_keys, &o->gdb, label, value, "address", e);
	if (!ret && !o->gdb.address)
		ret = err_set(e, -EINVAL, "%sneeds an address: unix:PATH, :PORT or ADDR:PORT",
			      label);
	return ret;
}

static int jit_dump_option(void *ctx, const char *label, char *value, struct err *e)
{
	struct run_options *o = ctx;

	return run_watch_parse(&o->watch, label, value, e);
}

static int state_log_option(void *ctx, const char *label, char *value, struct err *e)
{
	struct run_options *o = ctx;

	return run_state_log_parse(&o->watch, label, value, e);
}

static int share_option(void *ctx, const char *label, char *value, struct err *e)
{
	struct run_options *o = ctx;

	return run_share_parse(&o->remotes, label, value, e);
}

static int vsock_option(void *ctx, const char *label, char *value, struct err *e)
{
	struct run_options *o = ctx;

	return run_vsock_parse(&o->vsock, label, value, e);
}

static int vhost_user_option(void *ctx, const char *label, char *value, struct err *e)
{
	struct run_options *o = ctx;

	return run_vhost_user_parse(&o->remotes, label, value, e);
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
	 .value = machine_name,
	 .help = "the board (see: linnet machines)"},
	{.name = "engine",
	 .arg = "NAME",
	 .kind = OPT_STRING,
	 AT(engine),
	 .value = engine_name,
	 .help = "what executes code: jit (x86-64 hosts) or interp"},
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
	 .help = "memory, such as 1G (512M, or what a board has)"},
	{.name = "mem-prealloc",
	 .rare = true,
	 .kind = OPT_FLAG,
	 AT(mem_prealloc),
	 .help = "allocate it all at the start; disks profit"},
	{.name = "clock",
	 .arg = "host|instructions",
	 .kind = OPT_CHOICE,
	 AT(clock),
	 .choices = clock_names,
	 .help = "instructions: every run is the same"},
	{.name = "deterministic",
	 .rare = true,
	 .kind = OPT_FLAG,
	 AT(deterministic),
	 .help = "both cores of a duo interleaved, the same in every run"},
	{.name = "seed",
	 .rare = true,
	 .arg = "N",
	 .kind = OPT_UINT,
	 AT(seed),
	 .max = UINT32_MAX,
	 .help = "of --deterministic: another one, another order"},
	{.name = "mmu",
	 .arg = "sv39|sv48",
	 .kind = OPT_CHOICE,
	 AT(mmu),
	 .choices = mmu_names,
	 .help = "the largest address space of the harts"},
	{.name = "interrupts",
	 .arg = "plic|aia",
	 .kind = OPT_CHOICE,
	 AT(interrupts),
	 .choices = interrupts_names,
	 .help = "aia: devices on PCI interrupt by messages"},
	{.help = "What it boots"},
	{.name = "kernel",
	 .arg = "F",
	 .kind = OPT_STRING,
	 AT(kernel),
	 .help = "Image (plain, gzip, zstd), ELF; small or debug: ours"},
	{.name = "modules",
	 .arg = "DIR",
	 .kind = OPT_STRING,
	 AT(modules),
	 .help = "the kernel's lib/modules tree"},
	{.name = "initrd", .arg = "F", .kind = OPT_STRING, AT(initrd), .help = "initial RAM disk"},
	{.name = "no-extras",
	 .kind = OPT_FLAG,
	 AT(no_extras),
	 .help = "leave out Linnet's own drivers (scull, kxo, ...)"},
	{.name = "dtb",
	 .arg = "F",
	 .kind = OPT_STRING,
	 AT(dtb),
	 .help = "a device tree blob instead of the board's"},
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
	{.name = "small-core",
	 .arg = "F[@ADDRESS]",
	 .kind = OPT_CALL,
	 .call = run_small_core_option,
	 .help = "what the small core of a duo runs (ELF, flat)"},
	{.name = "small-core-after",
	 .rare = true,
	 .arg = "loader|linux",
	 .kind = OPT_CHOICE,
	 AT(small_core.after),
	 .choices = run_small_after_names,
	 .help = "linux: it is loaded, and Linux starts it"},
	{.name = "small-core-window",
	 .rare = true,
	 .arg = "A-B[,A-B]...",
	 .kind = OPT_CALL,
	 .call = run_small_window_option,
	 .help = "the only memory that it may use"},
	{.name = "rings",
	 .rare = true,
	 .arg = "ADDRESS",
	 .kind = OPT_CALL,
	 .call = run_small_rings_option,
	 .help = "where it has Linux' rings (64 KiB)"},
	{.name = "check-coherence",
	 .rare = true,
	 .kind = OPT_FLAG,
	 AT(small_core.check_coherence),
	 .help = "tell of reads that both cores' caches would spoil"},
	{.name = "symbols",
	 .rare = true,
	 .arg = "ELF",
	 .kind = OPT_CALL,
	 .call = run_small_symbols_option,
	 .repeat = true,
	 .help = "whose functions that names, too"},
	{.name = "small-console",
	 .rare = true,
	 .arg = "stdio|pty|unix:PATH|file:PATH",
	 .kind = OPT_CALL,
	 .call = run_small_console_option,
	 .help = "its serial port (default: lines in the console)"},
	{.name = "file",
	 .arg = "HOST:GUEST",
	 .kind = OPT_CALL,
	 .call = file_option,
	 .repeat = true,
	 .help = "put a file into the initial RAM disk"},
	{.help = "Devices"},
	{.name = "disk",
	 .arg = "path=F[,KEY=VALUE]...",
	 .kind = OPT_CALL,
	 .call = disk_option,
	 .repeat = true,
	 .keys = run_disk_keys,
	 .help = "a disk image; KEY: ro, snapshot, cache, ..."},
	{.name = "net",
	 .arg = "TYPE[,KEY=VALUE]...",
	 .kind = OPT_CALL,
	 .call = net_option,
	 .choices = run_net_kinds,
	 .keys = run_net_keys,
	 .head = "type",
	 .help = "TYPE: user, tap, switch, passt or none"},
	{.name = "transport",
	 .arg = "mmio|pci",
	 .kind = OPT_CHOICE,
	 AT(transport),
	 .choices = transport_names,
	 .help = "what carries virtio devices"},
	{.name = "share",
	 .arg = "DIR[,tag=T][,ro=on]",
	 .kind = OPT_CALL,
	 .call = share_option,
	 .repeat = true,
	 .keys = run_share_keys,
	 .head = "dir",
	 .help = "a folder, in the guest as /T (/share)"},
	{.name = "vsock",
	 .arg = "cid=N,path=F",
	 .kind = OPT_CALL,
	 .call = vsock_option,
	 .keys = run_vsock_keys,
	 .help = "streams to the guest by the host's UNIX sockets"},
	{.name = "rpmsg",
	 .rare = true,
	 .arg = "none|echo",
	 .kind = OPT_CHOICE,
	 AT(rpmsg),
	 .choices = rpmsg_names,
	 .help = "a remote processor in the host that echoes"},
	{.name = "vhost-user",
	 .arg = "kind=KIND,socket=F[,KEY=VALUE]",
	 .kind = OPT_CALL,
	 .call = vhost_user_option,
	 .repeat = true,
	 .keys = run_vhost_user_keys,
	 .help = "a device of another process"},
	{.name = "ring",
	 .arg = "split|packed[,KEY=VALUE]...",
	 .kind = OPT_CALL,
	 .call = ring_option,
	 .keys = ring_keys,
	 .head = "format",
	 .help = "what virtio devices offer"},
	{.name = "iothreads",
	 .arg = "N[,poll=US]",
	 .kind = OPT_CALL,
	 .call = run_iothreads_option,
	 .keys = run_iothreads_keys,
	 .head = "n",
	 .help = "threads for queues of disks and networks"},
	{.name = "console",
	 .arg = "stdio|pty|unix:PATH|file:PATH",
	 .kind = OPT_CALL,
	 .call = console_option,
	 .help = "the serial port (Ctrl-A x ends)"},
	{.name = "fault",
	 .arg = "DEVICE:OPERATION[,WHEN]...,WHAT|help",
	 .kind = OPT_CALL,
	 .call = fault_option,
	 .help = "break something on purpose"},
	{.name = "rng",
	 .rare = true,
	 .arg = "on|off",
	 .kind = OPT_BOOL,
	 AT(rng),
	 .help = "the entropy source (default: on)"},
	{.name = "rng-rate",
	 .rare = true,
	 .arg = "SIZE",
	 .kind = OPT_SIZE,
	 AT(rng_rate),
	 .min = 1,
	 .max = 1ull << 40,
	 .help = "its bytes a second, at most"},
	{.name = "balloon",
	 .arg = "on|off",
	 .kind = OPT_BOOL,
	 AT(balloon),
	 .help = "free memory of the guest goes to the host"},
	{.name = "irqlab",
	 .arg = "N",
	 .kind = OPT_UINT,
	 AT(irqlab),
	 .min = 1,
	 .max = MACHINE_MAX_IRQLABS,
	 .help = "N devices that interrupt, to study (1 to 4)"},
	{.name = "spi",
	 .rare = true,
	 .arg = "BUS:SELECT=KIND[,KEY=VALUE]...",
	 .kind = OPT_CALL,
	 .call = run_spi_option,
	 .repeat = true,
	 .help = "a part on an SPI bus of a duo: flash, adc, ..."},
	{.name = "i2c",
	 .rare = true,
	 .arg = "BUS:ADDRESS=eeprom,path=F[,KEY=VALUE]...",
	 .kind = OPT_CALL,
	 .call = run_i2c_option,
	 .repeat = true,
	 .help = "a part on an I2C bus of a duo"},
	{.name = "gpio",
	 .rare = true,
	 .arg = "PIN=PIN",
	 .kind = OPT_CALL,
	 .call = run_gpio_option,
	 .repeat = true,
	 .help = "a wire between two pins of a duo, such as A14=A15"},
	{.help = "The run"},
	{.name = "exec",
	 .arg = "CMD",
	 .kind = OPT_STRING,
	 AT(exec),
	 .help = "run CMD in the guest; its status is ours"},
	{.name = "cwd",
	 .arg = "DIR",
	 .kind = OPT_STRING,
	 AT(cwd),
	 .help = "where CMD runs, in the guest"},
	{.name = "env",
	 .arg = "NAME=VALUE",
	 .kind = OPT_CALL,
	 .call = env_option,
	 .repeat = true,
	 .help = "a variable for CMD"},
	{.name = "time-limit",
	 .arg = "S",
	 .kind = OPT_UINT,
	 AT(time_limit),
	 .min = 1,
	 .max = 1000000,
	 .help = "end after S seconds with status 124"},
	{.name = "gdb",
	 .arg = "unix:PATH|[ADDR]:PORT[,wait=on]",
	 .kind = OPT_CALL,
	 .call = gdb_option,
	 .keys = gdb_keys,
	 .head = "address",
	 .help = "let gdb connect"},
	{.name = "trace",
	 .rare = true,
	 .arg = "FILE",
	 .kind = OPT_STRING,
	 AT(trace),
	 .help = "what both cores of a duo do to each other"},
	{.name = "jit-dump",
	 .rare = true,
	 .arg = "FILE[,KEY=VALUE]...",
	 .kind = OPT_CALL,
	 .call = jit_dump_option,
	 .keys = run_watch_keys,
	 .head = "path",
	 .help = "write each block that is compiled"},
	{.name = "perf-map",
	 .rare = true,
	 .kind = OPT_FLAG,
	 AT(watch.perf_map),
	 .help = "let perf name generated code: /tmp/perf-PID.map"},
	{.name = "state-log",
	 .rare = true,
	 .arg = "FILE[,every=N]",
	 .kind = OPT_CALL,
	 .call = state_log_option,
	 .keys = run_state_log_keys,
	 .head = "path",
	 .help = "sums of registers and memory"},
	{.name = "no-reboot",
	 .kind = OPT_FLAG,
	 AT(no_reboot),
	 .help = "end when the guest reboots"},
	{.name = "control",
	 .arg = "unix:PATH",
	 .kind = OPT_CALL,
	 .call = control_option,
	 .help = "a socket for `linnet ctl`"},
	{.name = "dump-dtb",
	 .arg = "F",
	 .kind = OPT_STRING,
	 AT(dump_dtb),
	 .help = "write the device tree and end"},
	{.name = "config",
	 .arg = "FILE",
	 .kind = OPT_STRING,
	 .shell_only = true,
	 AT(config),
	 .help = "options from a JSON file (-: standard input)"},
	{.name = "dump-config",
	 .kind = OPT_FLAG,
	 .shell_only = true,
	 AT(dump_config),
	 .help = "print all options as such a file and end"},
	{.name = "verbose",
	 .letter = 'v',
	 .kind = OPT_FLAG,
	 AT(verbose),
	 .help = "kernel messages under --exec; a summary"},
	{0},
};
