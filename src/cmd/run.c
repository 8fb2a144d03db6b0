/* SPDX-License-Identifier: MIT */
/*
 * `linnet run`: options, parts, then one machine after the other until the guest is through.
 *
 * What ends a run arrives as callbacks on the loop (a signal, the time limit, the command's end,
 * Ctrl-A x, a panic on the console) and each becomes a status and machine_end(). The status that
 * was set first counts. Under --exec the guest gets GRACE_S to power off after its command has
 * ended, since that is when it writes its disks.
 */
#include "cmd/run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/sig.h"
#include "cmd/command.h"
#include "cmd/config.h"
#include "cmd/console_watch.h"
#include "cmd/run_control.h"
#include "cmd/run_demo.h"
#include "cmd/run_gdb.h"
#include "cmd/run_options.h"
#include "cmd/run_parts.h"
#include "cpu/watch.h"
#include "machine/diagnose.h"
#include "machine/machine.h"

#define STATUS_UNSET       (-1)
#define STATUS_TIME_LIMIT  124
#define STATUS_EXEC_FAILED 125
#define GRACE_S            10
#define HALT_S             2
#define SECOND_SIGNAL_NS   2000000000ull

/* A one-shot alarm in real seconds, also when the loop's clock counts instructions. */
struct alarm {
	struct loop_fd watch;
};

struct run {
	struct run_options o;
	struct loop *loop;
	struct run_parts parts;
	struct console_watch watch;
	struct machine *machine;
	struct run_control *control; /* or NULL */
	struct run_gdb *gdb;
	struct alarm limit, grace, halt;
	uint64_t last_signal_ns;
	int status;
};

static void run_end(struct run *r, int status)
{
	if (r->status == STATUS_UNSET)
		r->status = status;
	if (r->machine)
		machine_end(r->machine, MACHINE_STOPPED, 0);
}

static int alarm_set(struct alarm *a, struct loop *loop, unsigned seconds,
		     void (*fn)(struct loop_fd *w, uint32_t events), void *arg)
{
	const struct itimerspec when = {.it_value.tv_sec = seconds};
	int ret;

	a->watch = (struct loop_fd){.fn = fn, .arg = arg, .events = EPOLLIN};
	a->watch.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (a->watch.fd < 0)
		return -errno;
	ret = timerfd_settime(a->watch.fd, 0, &when, NULL) ? -errno : 0;
	if (!ret)
		ret = loop_fd_add(loop, &a->watch);
	if (ret)
		fd_close(&a->watch.fd);
	return ret;
}

static void alarm_clear(struct alarm *a)
{
	if (!a->watch.fn)
		return;
	loop_fd_del(&a->watch);
	fd_close(&a->watch.fd);
	a->watch.fn = NULL;
}

static void limit_reached(struct loop_fd *w, uint32_t events)
{
	struct run *r = w->arg;

	loop_fd_del(w);
	log_warn("--time-limit %u: the guest had not ended", r->o.time_limit);
	if (r->parts.exec)
		exec_abandon(r->parts.exec);
	run_end(r, STATUS_TIME_LIMIT);
}

static void grace_over(struct loop_fd *w, uint32_t events)
{
	struct run *r = w->arg;

	loop_fd_del(w);
	log_warn("--exec: the guest did not power off within %d s of the command's end", GRACE_S);
	machine_end(r->machine, MACHINE_STOPPED, 0);
}

static void exec_done(void *arg)
{
	struct run *r = arg;
	int status = exec_status(r->parts.exec);

	if (status == EXEC_NO_STATUS) {
		run_end(r, STATUS_EXEC_FAILED);
		return;
	}
	if (r->status == STATUS_UNSET)
		r->status = status;
	if (alarm_set(&r->grace, r->loop, GRACE_S, grace_over, r))
		run_end(r, status);
}

static void console_quit(void *arg)
{
	run_end(arg, EXIT_SUCCESS);
}

/* By the control socket. A command that has not ended has no status. */
static void control_quit(void *arg)
{
	struct run *r = arg;

	if (r->parts.exec)
		exec_abandon(r->parts.exec);
	run_end(r, r->parts.exec ? STATUS_EXEC_FAILED : EXIT_SUCCESS);
}

static void report_lost_command(struct run *r)
{
	fprintf(stderr,
		"linnet: --exec: the guest %s before the command's status came; its last "
		"words were:\n",
		r->watch.panicked ? "panicked" : "ended");
	console_watch_print(&r->watch, stderr, "  | ");
}

static void guest_halted(struct loop_fd *w, uint32_t events)
{
	struct run *r = w->arg;

	loop_fd_del(w);
	if (r->o.exec && r->status == STATUS_UNSET)
		report_lost_command(r);
	else
		log_warn("the guest's kernel panicked");
	run_end(r, r->o.exec ? STATUS_EXEC_FAILED : EXIT_FAILURE);
}

/* Whether the guest has halted for good only shows when it stays silent. */
static void console_tap(void *arg, const uint8_t *buf, size_t len)
{
	struct run *r = arg;

	console_watch_feed(&r->watch, buf, len);
	if (!r->watch.halted)
		alarm_clear(&r->halt);
	else if (!r->halt.watch.fn && alarm_set(&r->halt, r->loop, HALT_S, guest_halted, r))
		run_end(r, r->o.exec ? STATUS_EXEC_FAILED : EXIT_FAILURE);
}

/* SIGINT and SIGTERM are the command's under --exec; a second one soon after ends the machine. */
static void run_signal(void *arg, int signo)
{
	struct run *r = arg;
	uint64_t now = host_now_ns();

	if (signo != SIGINT && signo != SIGTERM && signo != SIGHUP)
		return;
	if (r->parts.exec && signo != SIGHUP &&
	    (!r->last_signal_ns || now - r->last_signal_ns > SECOND_SIGNAL_NS)) {
		r->last_signal_ns = now;
		exec_signal(r->parts.exec, signo);
		return;
	}
	if (r->parts.exec)
		exec_abandon(r->parts.exec);
	run_end(r, 128 + signo);
}

static int fail(const struct run_options *o, const struct err *e, int status)
{
	fprintf(stderr, "linnet run: %s\n", e->text);
	return o->exec ? STATUS_EXEC_FAILED : status;
}

static int dump_dtb(struct run *r, struct err *e)
{
	size_t len;
	const void *dtb = machine_dtb(r->machine, &len);
	int fd = open(r->o.dump_dtb, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	int ret = fd < 0 ? -errno : fd_write_all(fd, dtb, len);

	fd_close(&fd);
	if (ret)
		return err_set(e, ret, "--dump-dtb %s: %s", r->o.dump_dtb, strerror(-ret));
	r->status = EXIT_SUCCESS;
	return 0;
}

/* What a guest's end means when nothing else has set a status. */
static int status_of(struct run *r, enum machine_end end, unsigned code)
{
	if (r->watch.panicked) {
		log_warn("the guest's kernel panicked");
		return EXIT_FAILURE;
	}
	if (end == MACHINE_FAILED) {
		log_warn("the guest reported failure %u", code);
		return code && code < 256 ? (int)code : EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}

/* For -v. Memory is worth a sum only where it is the same in each run. */
static void report(const struct run *r)
{
	fprintf(stderr, "linnet: %llu instructions\n",
		(unsigned long long)machine_retired(r->machine));
	if (r->o.clock == RUN_CLOCK_INSTRUCTIONS)
		fprintf(stderr, "linnet: memory sum %016llx\n",
			(unsigned long long)machine_memory_sum(r->machine));
}

static void gdb_kill(void *arg)
{
	struct run *r = arg;

	if (r->parts.exec)
		exec_abandon(r->parts.exec);
	run_end(r, 128 + SIGKILL);
}

static int open_gdb(struct run *r, struct err *e)
{
	const struct run_gdb_config cfg = {.options = &r->o.gdb,
					   .engine = r->parts.config.engine,
					   .loop = r->loop,
					   .kill = gdb_kill,
					   .arg = r};

	return run_gdb_open(&cfg, &r->gdb, e);
}

/* A machine that somebody stopped ended by a signal, as gdb sees it. */
static void tell_gdb(struct run *r, enum machine_end end, unsigned code)
{
	bool by_signal = end == MACHINE_STOPPED && r->status > 128;

	if (by_signal)
		code = (unsigned)r->status - 128;
	else if (r->status != STATUS_UNSET)
		code = (unsigned)r->status;
	else if (end != MACHINE_FAILED)
		code = EXIT_SUCCESS;
	run_gdb_end(r->gdb, by_signal, code);
}

/* A channel that somebody wanted and that never came up, or was lost: why. */
static void tell_link(const struct run *r)
{
	const struct machine_small_ops *small = r->parts.config.type->small;
	struct diagnose_link d;

	if (!small)
		return;
	small->diagnose(r->machine, &d);
	if (d.is_lost || (d.was_tried && !d.was_up))
		log_warn("%s: %s", d.is_lost ? "RPMsg was lost" : "no RPMsg channel came up",
			 d.verdict);
}

/* One machine from power-on to its end; *again when the guest has asked for a reboot. */
static int run_once(struct run *r, bool *again, struct err *e)
{
	enum machine_end end = MACHINE_STOPPED;
	unsigned code = 0;
	int ret;

	*again = false;
	ret = machine_new(&r->parts.config, r->loop, &r->machine, e);
	if (ret) {
		run_remotes_listen(&r->parts.remotes);
		return ret;
	}
	if (r->control)
		run_control_begin(r->control, r->machine);
	if (r->o.dump_dtb) {
		ret = dump_dtb(r, e);
	} else {
		run_gdb_begin(r->gdb, r->machine);
		sig_on_fault(cpu_report_fault, machine_vm(r->machine));
		ret = machine_run(r->machine, &end, &code, e);
		sig_on_fault(NULL, NULL);
		tell_gdb(r, end, code);
		tell_link(r);
	}
	if (r->control)
		run_control_end(r->control);
	if (r->o.verbose && !ret)
		report(r);
	machine_free(r->machine);
	r->machine = NULL;
	if (ret || r->status != STATUS_UNSET)
		return ret;
	if (r->o.exec) {
		report_lost_command(r);
		r->status = STATUS_EXEC_FAILED;
	} else if (end == MACHINE_REBOOT && !r->watch.panicked && !r->o.no_reboot) {
		*again = true;
	} else {
		r->status = status_of(r, end, code);
	}
	return 0;
}

static int run_machines(struct run *r, struct err *e)
{
	const struct run_parts_events events = {
		.exec_done = exec_done, .console_quit = console_quit, .arg = r};
	struct run_control_config control = {.loop = r->loop,
					     .path = r->o.control,
					     .machine = &r->parts.config,
					     .quit = control_quit,
					     .arg = r};
	bool again = true;
	int ret = run_parts_open(&r->parts, &r->o, r->loop, &events, e);

	if (ret)
		return ret;
	r->parts.config.console_tap = console_tap;
	r->parts.config.console_tap_arg = r;
	r->parts.config.power_button = r->o.control != NULL;
	control.faults = r->parts.faults.set;
	if (r->o.control)
		ret = run_control_open(&control, &r->control, e);
	if (r->o.time_limit && !ret) {
		ret = alarm_set(&r->limit, r->loop, r->o.time_limit, limit_reached, r);
		if (ret)
			err_set(e, ret, "--time-limit: no timer: %s", strerror(-ret));
	}
	if (!ret)
		ret = open_gdb(r, e);
	while (!ret && again && r->status == STATUS_UNSET)
		ret = run_once(r, &again, e);
	alarm_clear(&r->grace);
	alarm_clear(&r->halt);
	run_gdb_close(r->gdb);
	run_faults_report(&r->parts.faults, &r->o);
	run_parts_close(&r->parts);
	/* Last: a client of `quit` waits for its connection to end. */
	run_control_free(r->control);
	alarm_clear(&r->limit);
	return ret;
}

/* Before the options are known to be right, only the word tells which statuses are promised. */
static bool exec_wanted(int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		if (!strcmp(argv[i], "--exec") || !strncmp(argv[i], "--exec=", 7))
			return true;
	return false;
}

static int run_with_signals(struct run *r, struct err *e)
{
	int ret = loop_new(&r->loop);

	if (ret)
		return err_set(e, ret, "no event loop: %s", strerror(-ret));
	ret = sig_init(r->loop, run_signal, r);
	if (ret)
		err_set(e, ret, "no signal handling: %s", strerror(-ret));
	if (!ret) {
		ret = run_machines(r, e);
		sig_fini();
	}
	loop_free(r->loop);
	return ret;
}

static int dump_config(struct run *r, struct err *e)
{
	r->status = EXIT_SUCCESS;
	return config_dump_write(r->o.config_dump, run_option_table, &r->o, stdout, e);
}

static int cmd_run(int argc, char **argv)
{
	struct run r = {.status = STATUS_UNSET};
	struct err e = {0};
	int ret = run_options_parse(&r.o, argc - 1, argv + 1, &e);

	if (ret == OPT_WANTS_HELP) {
		command_print_help(stdout, &run_command);
		r.status = EXIT_SUCCESS;
	} else if (!ret && r.o.fault_help) {
		machine_faults_print_help(stdout);
		r.status = EXIT_SUCCESS;
	} else if (ret) {
		fprintf(stderr, "linnet run: %s\n", e.text);
		r.status = r.o.exec || exec_wanted(argc, argv) ? STATUS_EXEC_FAILED : 2;
	} else {
		if (r.o.dump_config)
			ret = dump_config(&r, &e);
		else
			ret = run_demo_choose(&r.o, &e);
		if (!ret && !r.o.dump_config)
			ret = run_with_signals(&r, &e);
		if (ret)
			r.status = fail(&r.o, &e, EXIT_FAILURE);
	}
	run_options_free(&r.o);
	return r.status;
}

const struct command run_command = {
	.name = "run",
	.help = "boot a guest, or run a command in one",
	.run = cmd_run,
	.usage = "[OPTIONS]",
	.about = "Boots the default Debian guest, or the given kernel, to a shell or to --exec.",
	.options = run_option_table,
	.more = run_chapters,
};
