/* SPDX-License-Identifier: MIT */
/* What the guest sent and ended still reaches its reader, whatever becomes of the guest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "dev/vsock_conn.h"
#include "vsock_rig.h"

static void test_ended_then_forgotten(void **state)
{
	struct vsock_world *w = *state;

	for (unsigned how = 0; how < 2; how++) {
		uint32_t sent;

		vsock_open_stream(w);
		sent = vsock_send_all_credit(w);
		vsock_send_op(w, SHUTDOWN, PORT, 0, VSOCK_SHUT_BOTH);
		if (how) {
			driver_reset(&w->d);
			vsock_bring_up(w);
		} else {
			vsock_send_op(w, RST, PORT, 0, 0);
		}
		vsock_expect_bytes(w, sent);
		fd_close(&w->client);
	}
	/* Without an end of its own it is an abort, and nothing is owed. */
	vsock_open_stream(w);
	(void)vsock_send_all_credit(w);
	vsock_send_op(w, RST, PORT, 0, 0);
	fd_close(&w->client);
	vsock_open_stream(w);
}

/* Also when the machine ends, if somebody reads; who does not, does not hold it up for ever. */
static void test_ended_then_off(void **state)
{
	struct vsock_world *w = *state;
	int sleeper, status;
	uint32_t sent;
	pid_t pid;

	vsock_open_stream(w);
	(void)vsock_send_all_credit(w);
	vsock_send_op(w, SHUTDOWN, PORT, 0, VSOCK_SHUT_BOTH);
	sleeper = w->client;
	vsock_send_op(w, RST, PORT, 0, 0);
	vsock_open_stream(w);
	sent = vsock_send_all_credit(w);
	vsock_send_op(w, SHUTDOWN, PORT, 0, VSOCK_SHUT_BOTH);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		uint8_t buf[5000];
		uint32_t got = 0;
		ssize_t n;

		(void)fd_set_nonblock(w->client, false);
		while ((n = read(w->client, buf, sizeof(buf))) > 0)
			got += (uint32_t)n;
		_exit(n || got != sent);
	}
	driver_fini(&w->d);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	fd_close(&sleeper);
	driver_init(&w->d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_ended_then_forgotten, vsock_setup,
						vsock_teardown),
		cmocka_unit_test_setup_teardown(test_ended_then_off, vsock_setup, vsock_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
