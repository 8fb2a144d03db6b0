/* SPDX-License-Identifier: MIT */
/*
 * Verbs are served while the loop turns, which is nearly always while a machine runs. `pause` is
 * the one that answers later: when the harts stand still. Until then its calls wait in `pausing`; a
 * `resume`, or the end of the machine, answers them with an error.
 */
#include "cmd/run_control.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/fault.h"
#include "base/fd.h"
#include "base/opt.h"
#include "base/stats.h"
#include "control/control.h"
#include "cmd/run_small.h"
#include "control/stats_format.h"
#include "cpu/cpu.h"
#include "machine/crash.h"
#include "machine/diagnose.h"
#include "machine/machine.h"
#include "virtio/spec.h"

struct run_control {
	struct run_control_config cfg;
	struct control *control;
	struct machine *machine; /* the one that runs, or NULL */
	uint64_t began_ns;
	bool holding; /* `hold` is with the machine */
	bool still;   /* ... and the harts stand still */
	bool ending;
	struct vcpus_hold hold;
	struct control_calls pausing;
	struct control_call *loading; /* waits for the harts to stand still; or NULL */
	struct vcpus_hold load_hold;
};

/* The loop turns once more behind the last machine, when a command's output waits for its reader.
 * True: the call has failed. */
static bool is_gone(const struct run_control *rc, struct control_call *call)
{
	if (!rc->machine)
		control_fail(call, CONTROL_E_STATE, "the machine has ended");
	return !rc->machine;
}

/* ---- status ---- */

static const char *state_name(const struct run_control *rc)
{
	if (rc->ending)
		return "ending";
	return rc->still ? "paused" : "running";
}

/* What the status byte (virtio 2.1) says about the driver, in one word. */
static const char *driver_name(const struct machine_device_info *d)
{
	if (d->broken || d->status & VIRTIO_STATUS_NEEDS_RESET)
		return "broken";
	if (d->status & VIRTIO_STATUS_FAILED)
		return "failed";
	if (d->status & VIRTIO_STATUS_DRIVER_OK)
		return "ready";
	return d->status ? "starting" : "none";
}

static json_t *describe_device(const struct machine_device_info *d)
{
	char features[20];

	/* A string, since not every reader of JSON has 64 bits for a number. */
	snprintf(features, sizeof(features), "0x%llx", (unsigned long long)d->features);
	return json_pack("{s:s,s:s,s:i,s:s,s:i,s:s,s:i}", "device", d->name, "kind", d->kind,
			 "slot", (int)d->slot, "driver", driver_name(d), "status", (int)d->status,
			 "features", features, "queues", (int)d->n_queues);
}

static json_t *describe_devices(const struct machine *m)
{
	struct machine_device_info info[MACHINE_MAX_DEVICES];
	unsigned n = machine_devices(m, info, ARRAY_SIZE(info));
	json_t *devices = json_array();

	for (unsigned i = 0; i < n; i++)
		json_array_append_new(devices, describe_device(&info[i]));
	return devices;
}

static void verb_status(void *arg, struct control_call *call)
{
	const struct run_control *rc = arg;
	const struct machine_config *c = rc->cfg.machine;

	if (is_gone(rc, call))
		return;
	control_answer(call,
		       json_pack("{s:s,s:s,s:i,s:s,s:s,s:i,s:I,s:I,s:I,s:o}", "state",
				 state_name(rc), "version", LINNET_VERSION, "pid", (int)getpid(),
				 "machine", c->type->name, "engine", c->engine->name, "harts",
				 (int)c->smp, "memory", (json_int_t)c->mem, "uptime_ns",
				 (json_int_t)(host_now_ns() - rc->began_ns), "time_ns",
				 (json_int_t)machine_time_ns(rc->machine), "devices",
				 describe_devices(rc->machine)));
}

/* ---- stats ---- */

static void verb_stats(void *arg, struct control_call *call)
{
	static const char *const formats[] = {"json", "openmetrics", NULL};
	const struct run_control *rc = arg;
	const char *format = control_arg(call, "format");
	struct stats_list list = {0};
	char *text = NULL;
	json_t *body = NULL;

	if (is_gone(rc, call))
		return;
	if (format && strcmp(format, formats[0]) && strcmp(format, formats[1])) {
		control_fail(call, CONTROL_E_ARGUMENT, "format %s: give json or openmetrics",
			     format);
		return;
	}
	/* For whoever asks next: the guest takes its time to say. */
	machine_balloon_refresh(rc->machine);
	if (!machine_stats(rc->machine, &list)) {
		if (format && !strcmp(format, formats[1]))
			text = stats_to_openmetrics(&list);
		body = text ? json_pack("{s:s}", "text", text) : stats_to_json(&list);
	}
	free(text);
	stats_fini(&list);
	if (body)
		control_answer(call, body);
	else
		control_fail(call, CONTROL_E_INTERNAL, "out of memory");
}

/* ---- diagnose ---- */

static json_t *diagnose_one(const char *name, const struct diagnose_device *d)
{
	json_t *queues = json_array();
	char text[DIAGNOSE_TEXT], status[DIAGNOSE_TEXT], features[20];
	bool wrong = diagnose_verdict(d, text);

	diagnose_status(d, status);
	snprintf(features, sizeof(features), "0x%llx", (unsigned long long)d->features);
	for (unsigned i = 0; i < d->n_queues; i++) {
		char queue[DIAGNOSE_TEXT];

		diagnose_queue(&d->queue[i], queue);
		json_array_append_new(queues, json_string(queue));
	}
	return json_pack("{s:s,s:s,s:s,s:o,s:b,s:s}", "device", name, "status", status, "features",
			 features, "queues", queues, "wrong", wrong, "verdict", text);
}

static json_t *diagnose_cores(const struct run_control *rc)
{
	struct diagnose_link d;

	rc->cfg.machine->type->small->diagnose(rc->machine, &d);
	return json_pack("{s:s,s:s,s:[ss],s:b,s:s}", "device", "rpmsg", "status", d.status,
			 "queues", d.ring[0], d.ring[1], "wrong", d.wrong, "verdict", d.verdict);
}

static void verb_diagnose(void *arg, struct control_call *call)
{
	const struct run_control *rc = arg;
	struct diagnose_device d;
	json_t *devices;
	const char *name;

	if (is_gone(rc, call))
		return;
	devices = json_array();
	for (unsigned i = 0; (name = machine_look_at(rc->machine, i, &d)); i++)
		json_array_append_new(devices, diagnose_one(name, &d));
	if (rc->cfg.machine->type->small)
		json_array_append_new(devices, diagnose_cores(rc));
	control_answer(call, json_pack("{s:o}", "devices", devices));
}

/* ---- the balloon ---- */

static void verb_balloon(void *arg, struct control_call *call)
{
	const struct run_control *rc = arg;
	const char *size = control_arg(call, "size");
	struct err e = {0};
	uint64_t bytes;
	int ret;

	if (is_gone(rc, call))
		return;
	if (!size)
		size = "";
	if (opt_parse_size("size ", size, 0, rc->cfg.machine->mem, &bytes, &e)) {
		control_fail(call, CONTROL_E_ARGUMENT, "%s", e.text);
		return;
	}
	ret = machine_balloon(rc->machine, bytes);
	if (ret == -ENODEV)
		control_fail(call, CONTROL_E_STATE,
			     "the machine has no balloon; start it with --balloon on");
	else if (ret)
		control_fail(call, CONTROL_E_STATE,
			     "the guest does not serve its balloon (yet): it needs the driver "
			     "virtio_balloon, which will find this size");
	else
		control_answer(call, NULL);
}

/* ---- pause and resume ---- */

static void answer_state(const struct run_control *rc, struct control_call *call)
{
	control_answer(call, json_pack("{s:s}", "state", state_name(rc)));
}

static void held(void *arg)
{
	struct run_control *rc = arg;
	struct control_call *call;

	rc->still = true;
	while ((call = control_calls_take(&rc->pausing)))
		answer_state(rc, call);
}

static void fail_pausing(struct run_control *rc, const char *why)
{
	struct control_call *call;

	while ((call = control_calls_take(&rc->pausing)))
		control_fail(call, CONTROL_E_STATE, "%s before it stood still", why);
}

static void verb_pause(void *arg, struct control_call *call)
{
	struct run_control *rc = arg;

	if (is_gone(rc, call))
		return;
	if (rc->ending) {
		control_fail(call, CONTROL_E_STATE, "the machine is ending");
		return;
	}
	if (rc->still) {
		answer_state(rc, call);
		return;
	}
	control_calls_put(&rc->pausing, call);
	if (rc->holding)
		return;
	rc->holding = true;
	rc->hold = (struct vcpus_hold){.held = held, .arg = rc};
	machine_hold(rc->machine, &rc->hold);
}

static void verb_resume(void *arg, struct control_call *call)
{
	struct run_control *rc = arg;

	if (is_gone(rc, call))
		return;
	if (rc->holding)
		machine_release(rc->machine, &rc->hold);
	rc->holding = rc->still = false;
	fail_pausing(rc, "the machine was resumed");
	answer_state(rc, call);
}

/* ---- faults ---- */

static void list_fault(void *arg, const struct fault_report *r)
{
	json_array_append_new(arg, json_pack("{s:s,s:I,s:I}", "rule", r->text, "seen",
					     (json_int_t)r->asked, "faults", (json_int_t)r->taken));
}

/* Adds a rule, or forgets all; the answer is what there is then. */
static void verb_fault(void *arg, struct control_call *call)
{
	const struct run_control *rc = arg;
	const char *rule = control_arg(call, "rule");
	struct err e = {0};
	json_t *list;

	if (is_gone(rc, call))
		return;
	if (rule && !strcmp(rule, "clear")) {
		faults_clear(rc->cfg.faults);
	} else if (rule && faults_add(rc->cfg.faults, "", rule, &e)) {
		control_fail(call, CONTROL_E_ARGUMENT, "%s", e.text);
		return;
	}
	list = json_array();
	faults_list(rc->cfg.faults, list_fault, list);
	control_answer(call, json_pack("{s:o}", "faults", list));
}

/* ---- the network's cable ---- */

static void verb_link(void *arg, struct control_call *call)
{
	const struct run_control *rc = arg;
	const char *state = control_arg(call, "state");
	const char *device = control_arg(call, "device");
	bool up = state && !strcmp(state, "up");

	if (is_gone(rc, call))
		return;
	if (!state || (!up && strcmp(state, "down") != 0)) {
		control_fail(call, CONTROL_E_ARGUMENT, "state %s: give up or down",
			     state ? state : "is missing");
		return;
	}
	if (!device)
		device = "net0";
	if (machine_set_link(rc->machine, device, up))
		control_fail(call, CONTROL_E_ARGUMENT,
			     "device %s: this machine has no such network card; see status",
			     device);
	else
		control_answer(call, json_pack("{s:s,s:s}", "device", device, "state", state));
}

/* ---- the small core ---- */

static void answer_small(const struct run_control *rc, struct control_call *call)
{
	static const char *const states[] = {[MACHINE_SMALL_STOPPED] = "stopped",
					     [MACHINE_SMALL_RUNNING] = "running",
					     [MACHINE_SMALL_CRASHED] = "crashed"};
	struct machine_small_info info;
	char pc[20], text[CRASH_TEXT];
	json_t *body;

	rc->cfg.machine->type->small->look(rc->machine, &info);
	snprintf(pc, sizeof(pc), "0x%llx", (unsigned long long)info.pc);
	body = json_pack("{s:s,s:s,s:I}", "state", states[info.state], "start", pc, "instructions",
			 (json_int_t)info.insns);
	if (info.state == MACHINE_SMALL_CRASHED) {
		crash_text(&info.crash, text);
		json_object_set_new(body, "crash", json_string(text));
	}
	control_answer(call, body);
}

/* The harts stand still: the new program may be written over the old one. */
static void load_held(void *arg)
{
	struct run_control *rc = arg;
	struct control_call *call = rc->loading;
	struct run_small_core firmware = {.path = NULL};
	char *path = strdup(control_arg(call, "firmware"));
	struct err e = {0};
	int ret = path ? run_small_core_parse(&firmware, "firmware ", path, &e)
		       : err_set(&e, -ENOMEM, "out of memory");

	rc->loading = NULL;
	if (!ret)
		ret = rc->cfg.machine->type->small->load(rc->machine, firmware.path, firmware.at,
							 &e);
	machine_release(rc->machine, &rc->load_hold);
	if (ret)
		control_fail(call, CONTROL_E_ARGUMENT, "%s", e.text);
	else
		answer_small(rc, call);
	free(path);
}

static void load_small(struct run_control *rc, struct control_call *call)
{
	if (rc->loading) {
		control_fail(call, CONTROL_E_STATE, "another firmware is being loaded");
		return;
	}
	rc->loading = call;
	rc->load_hold = (struct vcpus_hold){.held = load_held, .arg = rc};
	machine_hold(rc->machine, &rc->load_hold);
}

static void verb_small(void *arg, struct control_call *call)
{
	struct run_control *rc = arg;
	const struct machine_small_ops *small = rc->cfg.machine->type->small;
	const char *action = control_arg(call, "action");
	bool status = !action || !strcmp(action, "status"),
	     stop = action && !strcmp(action, "stop");

	if (is_gone(rc, call))
		return;
	if (!small) {
		control_fail(call, CONTROL_E_STATE, "the machine %s has no small core",
			     rc->cfg.machine->type->name);
	} else if (!status && !stop && strcmp(action, "start") && strcmp(action, "restart")) {
		control_fail(call, CONTROL_E_ARGUMENT,
			     "action %s: give status, stop, start or restart", action);
	} else if ((status || stop) && control_arg(call, "firmware")) {
		control_fail(call, CONTROL_E_ARGUMENT, "firmware: only start and restart load one");
	} else if (control_arg(call, "firmware")) {
		load_small(rc, call);
	} else {
		if (stop)
			small->stop(rc->machine);
		else if (!status)
			small->start(rc->machine);
		answer_small(rc, call);
	}
}

/* ---- the end ---- */

static void verb_powerbutton(void *arg, struct control_call *call)
{
	struct run_control *rc = arg;
	int ret;

	if (is_gone(rc, call))
		return;
	ret = machine_press_power(rc->machine);
	if (!ret)
		control_answer(call, NULL);
	else if (ret == -EBUSY)
		control_fail(call, CONTROL_E_STATE,
			     "the guest has not taken note of earlier presses yet");
	else
		control_fail(call, CONTROL_E_STATE,
			     "the guest does not listen to its power button (yet): it needs the "
			     "driver virtio_input; `quit` ends the machine without asking it");
}

static void verb_quit(void *arg, struct control_call *call)
{
	struct run_control *rc = arg;

	rc->ending = true;
	answer_state(rc, call);
	rc->cfg.quit(rc->cfg.arg);
}

static const char *const stats_args[] = {"format", NULL};
static const char *const balloon_args[] = {"size", NULL};
static const char *const fault_args[] = {"rule", NULL};
static const char *const link_args[] = {"state", "device", NULL};
static const char *const small_args[] = {"action", "firmware", NULL};

static const struct control_verb verbs[] = {
	{.name = "status", .help = "how the machine and its devices are", .handle = verb_status},
	{.name = "stats",
	 .help = "what harts, devices and queues have counted",
	 .args = stats_args,
	 .handle = verb_stats},
	{.name = "pause", .help = "the guest and its time stand still", .handle = verb_pause},
	{.name = "resume", .help = "the guest goes on", .handle = verb_resume},
	{.name = "fault",
	 .help = "break something on purpose: a rule, or clear; list the rules",
	 .args = fault_args,
	 .handle = verb_fault},
	{.name = "link",
	 .help = "the network's cable: up or down",
	 .args = link_args,
	 .handle = verb_link},
	{.name = "small",
	 .help = "the small core: status, stop, start or restart, perhaps with a firmware",
	 .args = small_args,
	 .handle = verb_small},
	{.name = "diagnose",
	 .help = "how far each device has come, and what is likely wrong",
	 .handle = verb_diagnose},
	{.name = "balloon",
	 .help = "how much of the guest's memory the balloon shall take: SIZE",
	 .args = balloon_args,
	 .handle = verb_balloon},
	{.name = "powerbutton",
	 .help = "press the guest's power button",
	 .handle = verb_powerbutton},
	{.name = "quit", .help = "end the machine now, disks written", .handle = verb_quit},
	{0},
};

/* ---- life ---- */

int run_control_open(const struct run_control_config *cfg, struct run_control **out, struct err *e)
{
	struct run_control *rc = calloc(1, sizeof(*rc));
	int ret;

	if (!rc)
		return err_set(e, -ENOMEM, "out of memory");
	rc->cfg = *cfg;
	rc->began_ns = host_now_ns();
	ret = control_new(cfg->loop, &rc->control);
	if (!ret)
		ret = control_register(rc->control, verbs, rc);
	if (ret)
		err_set(e, ret, "out of memory");
	if (!ret)
		ret = control_listen(rc->control, "--control unix:", cfg->path, e);
	if (ret) {
		run_control_free(rc);
		return ret;
	}
	*out = rc;
	return 0;
}

void run_control_begin(struct run_control *rc, struct machine *m)
{
	rc->machine = m;
}

void run_control_end(struct run_control *rc)
{
	fail_pausing(rc, "the machine ended");
	if (rc->loading)
		control_fail(rc->loading, CONTROL_E_STATE, "the machine ended");
	rc->loading = NULL;
	rc->machine = NULL;
	rc->holding = rc->still = false;
}

void run_control_free(struct run_control *rc)
{
	if (!rc)
		return;
	control_free(rc->control);
	free(rc);
}
