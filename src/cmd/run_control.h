/* SPDX-License-Identifier: MIT */
/*
 * The control socket of `linnet run`: the verbs that ask and steer a machine. docs/control.md is
 * their manual. Everything belongs to the loop's thread.
 */
#ifndef CMD_RUN_CONTROL_H
#define CMD_RUN_CONTROL_H

struct err;
struct faults;
struct loop;
struct machine;
struct machine_config;
struct run_control;

/* All of it outlives the control. */
struct run_control_config {
	struct loop *loop;
	const char *path;
	const struct machine_config *machine;
	struct faults *faults;
	void (*quit)(void *arg); /* somebody wants the run to end; machine_end() is to follow */
	void *arg;
};

/* Listens. 0, or -errno with the message in e. */
int run_control_open(const struct run_control_config *cfg, struct run_control **out, struct err *e);

/* Around each machine_run(). */
void run_control_begin(struct run_control *rc, struct machine *m);
void run_control_end(struct run_control *rc);

/* Ends all connections and removes the socket. NULL is allowed. */
void run_control_free(struct run_control *rc);

#endif
