/* SPDX-License-Identifier: MIT */
/*
 * One function a part, in the order in which a user would want to hear of mistakes: names first,
 * then the guest (which may have to be fetched), then what is opened.
 *
 * The default guest is asked for only when something of it is used: a kernel and an initrd of the
 * user's own need neither network nor cache. Its disk comes with its initrd, unless --disk is
 * given.
 */
#include "cmd/run_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "backend/block.h"
#include "backend/block_file.h"
#include "backend/chr.h"
#include "backend/chr_fd.h"
#include "backend/chr_stdio.h"
#include "backend/net.h"
#include "base/err.h"
#include "base/log.h"
#include "base/trace.h"
#include "cmd/run_demo.h"
#include "cmd/run_initrd.h"
#include "cmd/share.h"
#include "cpu/cpu.h"
#include "virtio/spec.h"

#define CONSOLE_FLUSH_MS 5000

static int no_such_engine(const char *name, struct err *e)
{
	char names[128];
	size_t len = 0;

	for (unsigned i = 0; i < cpu_n_engines && len < sizeof(names); i++)
		len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s", i ? ", " : "",
					cpu_engines[i]->name);
	return err_set(e, -EINVAL, "--engine %s: there is no such engine; this build has %s", name,
		       names);
}

static uint64_t ring_features(const struct run_ring *r)
{
	return (r->packed ? VIRTIO_F_RING_PACKED : 0) | (r->event_idx ? VIRTIO_F_EVENT_IDX : 0) |
	       (r->indirect ? VIRTIO_F_INDIRECT_DESC : 0) | (r->in_order ? VIRTIO_F_IN_ORDER : 0) |
	       (r->notification_data ? VIRTIO_F_NOTIFICATION_DATA : 0) |
	       (r->queue_reset ? VIRTIO_F_RING_RESET : 0) |
	       (r->access_platform ? VIRTIO_F_ACCESS_PLATFORM : 0);
}

/* Whether something is asked for that the board does not have; says so. */
static bool lacks(const struct machine_type *type, const struct run_options *o, struct err *e)
{
	const struct {
		bool asked;
		const char *what;
	} of_virt[] = {
		{o->transport == RUN_TRANSPORT_PCI, "--transport pci"},
		{o->interrupts == RUN_INTERRUPTS_AIA, "--interrupts aia"},
		{o->irqlab, "--irqlab"},
		{o->mmu == RUN_MMU_SV48, "--mmu sv48"},
	};

	if (run_small_misplaced(o, type, e))
		return true;
	if (wires_given(&o->wires) && !type->has_wires) {
		err_set(e, -EINVAL, "%s: the machine %s has no such wires; add --machine duo256m",
			wires_given(&o->wires), type->name);
		return true;
	}
	if (o->smp > type->max_smp) {
		err_set(e, -EINVAL, "--smp %u: the machine %s has at most %u", o->smp, type->name,
			type->max_smp);
		return true;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(of_virt) && !type->extensible; i++) {
		if (!of_virt[i].asked)
			continue;
		err_set(e, -EINVAL,
			"%s: the machine %s, made after a board, has none; leave it out",
			of_virt[i].what, type->name);
		return true;
	}
	return false;
}

static int find_names(struct run_parts *p, const struct run_options *o, struct err *e)
{
	struct machine_config *c = &p->config;

	c->type = o->machine ? machine_type_find(o->machine) : machine_types[0];
	if (!c->type)
		return err_set(e, -EINVAL,
			       "--machine %s: there is no such machine; see linnet "
			       "machines",
			       o->machine);
	c->engine = run_small_engine(o);
	if (o->engine)
		c->engine = cpu_engine_find(o->engine);
	if (o->engine && !c->engine)
		return no_such_engine(o->engine, e);
	if (lacks(c->type, o, e))
		return -EINVAL;
	c->smp = o->smp;
	c->mem = o->mem ? o->mem : c->type->default_mem;
	c->n_iothreads = o->iothreads.n;
	c->poll_ns = o->iothreads.poll_us * 1000ull;
	c->rng = o->rng;
	c->rng_rate = o->rng_rate;
	c->balloon = o->balloon;
	c->rpmsg_echo = o->rpmsg == RUN_RPMSG_ECHO;
	c->mem_prealloc = o->mem_prealloc;
	c->n_irqlabs = o->irqlab;
	c->aia = o->interrupts == RUN_INTERRUPTS_AIA;
	c->dtb = o->dtb;
	c->small_core = o->small_core.path;
	c->rings = o->small_core.rings;
	c->check_coherence = o->small_core.check_coherence;
	memcpy(c->symbols, o->small_core.symbols, sizeof(c->symbols));
	c->n_symbols = o->small_core.n_symbols;
	c->wires = o->wires;
	c->wires.verbose = o->verbose;
	c->small_core_at = o->small_core.at;
	c->small_core_windows = o->small_core.windows;
	c->small_core_waits = o->small_core.after == RUN_SMALL_AFTER_LINUX;
	c->ring_features = ring_features(&o->ring);
	c->ring_size = o->ring.size;
	c->pci = o->transport == RUN_TRANSPORT_PCI;
	c->sv48 = o->mmu == RUN_MMU_SV48;
	c->interleaved = o->deterministic;
	c->seed = o->seed;
	c->counted_time = o->clock == RUN_CLOCK_INSTRUCTIONS;
	return 0;
}

static int open_trace(struct run_parts *p, const struct run_options *o, struct loop *loop,
		      struct err *e)
{
	int ret = o->trace ? trace_open(loop, "--trace ", o->trace, &p->trace, e) : 0;

	p->config.trace = p->trace;
	return ret;
}

static void close_trace(struct run_parts *p)
{
	int ret = trace_close(p->trace);

	if (ret)
		log_warn("--trace: the file is not complete: %s", strerror(-ret));
}

static int open_watch(struct run_parts *p, const struct run_options *o, struct err *e)
{
	int ret = run_state_log_open(&p->log, &o->watch, e);

	if (p->log.out)
		p->config.log = &p->log;
	if (ret || (!o->watch.dump && !o->watch.perf_map))
		return ret;
	p->config.watch = &p->watch;
	return run_watch_open(&p->watch, &o->watch, p->config.engine, e);
}

/* A program that is all there is: no kernel, so no guest of ours. */
static bool bare_metal(const struct run_options *o)
{
	return o->firmware && !o->kernel;
}

/* Whether the guest will start the default init. */
static bool default_init(const struct run_options *o)
{
	return !o->initrd && !bare_metal(o);
}

static int find_guest(struct run_parts *p, const struct run_options *o, struct err *e)
{
	struct machine_config *c = &p->config;

	c->firmware = o->firmware;
	c->kernel = guest_set_is_own(o->kernel) ? NULL : o->kernel;
	if (default_init(o) || (!c->kernel && !bare_metal(o))) {
		int ret = guest_set_get(&p->guest, c->kernel ? NULL : o->kernel, e);

		if (!ret)
			ret = run_demo_equip(o, &p->guest, e);
		if (ret)
			return ret;
	}
	if (!c->kernel && !bare_metal(o))
		c->kernel = p->guest.kernel;
	return 0;
}

/* The size and kind of the terminal, which a serial line cannot tell. */
static void terminal_arguments(char *out, size_t size)
{
	const char *term = getenv("TERM");
	struct winsize ws;

	*out = '\0';
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) || !ws.ws_row || !ws.ws_col)
		return;
	if (!term || !*term || strpbrk(term, " \"'") || strlen(term) > 64)
		term = "vt100";
	snprintf(out, size, " linnet.rows=%u linnet.cols=%u linnet.term=%s", ws.ws_row, ws.ws_col,
		 term);
}

static int write_append(struct run_parts *p, const struct run_options *o, struct err *e)
{
	const char *base = p->guest.append ? p->guest.append : p->config.type->default_append;
	char terminal[160] = "";
	const char *exec = "";
	int n;

	if (!default_init(o))
		base = p->config.type->default_append;
	else if (o->exec)
		exec = o->verbose ? " linnet.mode=exec" : " linnet.mode=exec quiet";
	else if (o->console.kind == RUN_CONSOLE_STDIO)
		terminal_arguments(terminal, sizeof(terminal));
	if (o->append_only)
		n = asprintf(&p->append, "%s%s", o->append_only, exec);
	else
		n = asprintf(&p->append, "%s%s%s%s%s", base, exec, terminal, o->append ? " " : "",
			     o->append ? o->append : "");
	if (n < 0) {
		p->append = NULL;
		return err_set(e, -ENOMEM, "out of memory");
	}
	p->config.append = p->append;
	return 0;
}

/* What the default guest's driver for the small core loads; false: there is none. */
static bool find_small_firmware(const struct run_parts *p, const struct run_options *o,
				char path[PATH_MAX])
{
	char name[64];

	if (!p->config.type->small || !default_init(o))
		return false;
	snprintf(name, sizeof(name), "rpmsg-%s.elf", p->config.type->name);
	return !share_find_firmware(name, path);
}

static int collect_initrd(struct run_parts *p, const struct run_options *o, struct err *e)
{
	struct machine_config *c = &p->config;
	const char *path = o->initrd ? o->initrd : p->guest.initrd;
	char firmware[PATH_MAX];
	bool has_firmware = find_small_firmware(p, o, firmware);
	int ret;

	if (path)
		c->initrd[c->n_initrds++] = (struct initrd_piece){.path = path};
	if (!o->initrd && p->guest.modules)
		c->initrd[c->n_initrds++] = (struct initrd_piece){.path = p->guest.modules};
	if (!o->initrd && p->guest.extras && !o->no_extras)
		c->initrd[c->n_initrds++] = (struct initrd_piece){.path = p->guest.extras};
	if (!o->n_files && !o->modules && !has_firmware)
		return 0;
	ret = run_initrd_pack(o, has_firmware ? firmware : NULL, &p->extra_initrd,
			      &p->extra_initrd_len, e);
	if (ret)
		return ret;
	c->initrd[c->n_initrds++] = (struct initrd_piece){.data = p->extra_initrd,
							  .len = p->extra_initrd_len};
	return 0;
}

static int open_disk(struct run_parts *p, const struct run_disk *d, bool verbose, struct err *e)
{
	const struct block_file_config cfg = {
		.path = d->path,
		.read_only = d->read_only,
		.snapshot = d->snapshot,
		.format = d->format,
		.io = d->io,
		.cache = d->cache,
		.verbose = verbose,
		.sync = p->config.counted_time,
	};
	int ret = block_file_open(&cfg, &p->disk[p->n_disks], e);

	if (ret)
		return ret;
	p->config.disk[p->n_disks] = (struct machine_disk){.block = p->disk[p->n_disks],
							   .serial = d->serial,
							   .n_queues = d->queues,
							   .iothread = d->iothread};
	p->config.n_disks = ++p->n_disks;
	return 0;
}

static int open_disks(struct run_parts *p, const struct run_options *o, struct err *e)
{
	int ret = 0;

	if (!o->n_disks && default_init(o)) {
		const struct run_disk d = {.path = p->guest.disk,
					   .serial = "linnet-default",
					   .snapshot = true,
					   .iothread = IOTHREADS_ANY};

		return open_disk(p, &d, o->verbose, e);
	}
	for (unsigned i = 0; i < o->n_disks && !ret; i++)
		ret = open_disk(p, &o->disk[i], o->verbose, e);
	return ret;
}

static int open_net(struct run_parts *p, const struct run_options *o, struct err *e)
{
	struct machine_config *c = &p->config;
	int ret;

	if (o->net.kind == RUN_NET_NONE || o->net.kind == RUN_NET_SWITCH ||
	    (!o->net.given && bare_metal(o)))
		return 0;
	ret = run_net_open(&o->net, &c->net[0], e);
	if (ret)
		return ret;
	p->net = c->net[0].net;
	c->n_nets = 1;
	return 0;
}

/* Under --exec the terminal is the command's; the kernel's console is only read along. */
static int open_console(struct run_parts *p, const struct run_options *o, struct loop *loop,
			const struct run_parts_events *events, struct err *e)
{
	int ret = 0;

	if (o->console.kind != RUN_CONSOLE_STDIO)
		return run_console_open(&o->console, "--console", loop, &p->console, e);
	if (o->exec && o->verbose)
		ret = chr_fd_new(loop, -1, STDERR_FILENO, &p->console);
	if (!o->exec)
		ret = chr_stdio_new(loop, STDIN_FILENO, STDOUT_FILENO, events->console_quit,
				    events->arg, &p->console);
	if (ret)
		err_set(e, ret, "--console stdio: %s", strerror(-ret));
	return ret;
}

static int open_exec(struct run_parts *p, const struct run_options *o, struct loop *loop,
		     const struct run_parts_events *events, struct err *e)
{
	const struct exec_config cfg = {
		.command = o->exec,
		.cwd = o->cwd ? o->cwd : run_share_place(&o->remotes, p->cwd),
		.env = o->env,
		.n_env = o->n_env,
		.loop = loop,
		.in = STDIN_FILENO,
		.out = STDOUT_FILENO,
		.err = STDERR_FILENO,
		.done = events->exec_done,
		.arg = events->arg,
	};
	int ret;

	if (!o->exec)
		return 0;
	ret = exec_new(&cfg, &p->exec, e);
	if (ret)
		return ret;
	exec_ports(p->exec, p->config.port);
	p->config.n_ports = EXEC_N_PORTS;
	return 0;
}

int run_parts_open(struct run_parts *p, const struct run_options *o, struct loop *loop,
		   const struct run_parts_events *events, struct err *e)
{
	int ret;

	*p = (struct run_parts){0};
	ret = find_names(p, o, e);
	if (!ret)
		ret = open_watch(p, o, e);
	if (!ret)
		ret = open_trace(p, o, loop, e);
	if (!ret)
		ret = find_guest(p, o, e);
	if (!ret)
		ret = write_append(p, o, e);
	if (!ret)
		ret = collect_initrd(p, o, e);
	if (!ret)
		ret = open_disks(p, o, e);
	if (!ret)
		ret = open_net(p, o, e);
	if (!ret)
		ret = run_vsock_open(&p->vsock, &o->vsock, &p->config.vsock, e);
	if (!ret)
		ret = run_remotes_open(&p->remotes, &o->remotes, &o->net, loop, &p->config, e);
	if (!ret)
		ret = open_exec(p, o, loop, events, e);
	if (!ret)
		ret = open_console(p, o, loop, events, e);
	p->config.console = p->console;
	if (!ret)
		ret = run_small_open(p, o, loop, e);
	if (!ret)
		ret = run_faults_open(&p->faults, o, &p->config, loop, e);
	if (ret)
		run_parts_close(p);
	return ret;
}

void run_parts_close(struct run_parts *p)
{
	machine_faults_close(&p->faults);
	/* First what may not get lost: the others may have to wait for a reader. */
	for (unsigned i = 0; i < p->n_disks; i++)
		p->disk[i]->ops->free(p->disk[i]);
	if (p->net)
		p->net->ops->free(p->net);
	run_remotes_close(&p->remotes);
	run_vsock_close(&p->vsock);
	run_small_close(p);
	/* What the guest printed last is still in the stream's buffer. */
	if (p->console)
		(void)chr_flush(p->console, CONSOLE_FLUSH_MS);
	chr_free(p->console);
	exec_free(p->exec);
	close_trace(p);
	run_watch_close(&p->watch);
	run_state_log_close(&p->log);
	free(p->extra_initrd);
	free(p->append);
	guest_set_free(&p->guest);
	*p = (struct run_parts){0};
}
