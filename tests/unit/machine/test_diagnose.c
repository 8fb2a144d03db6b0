/* SPDX-License-Identifier: MIT */
/* Each cause that a diagnosis can name, out of what registers and counters would say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "machine/diagnose.h"
#include "virtio/spec.h"

#define READY                                                                           \
	(VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER | VIRTIO_STATUS_FEATURES_OK | \
	 VIRTIO_STATUS_DRIVER_OK)

static void expect(const struct diagnose_device *d, bool wrong, const char *part)
{
	char text[DIAGNOSE_TEXT];

	assert_int_equal(diagnose_verdict(d, text), wrong);
	if (!strstr(text, part))
		fail_msg("\"%s\" does not say \"%s\"", text, part);
}

static struct diagnose_device device(uint8_t status)
{
	return (struct diagnose_device){
		.device_id = VIRTIO_ID_NET,
		.status = status,
		.n_queues = 2,
		.queue = {{.ready = true, .size = 8, .kicks = 3, .chains = 3, .interrupts = 1},
			  {.ready = false}}};
}

static void test_on_the_way(void **state)
{
	struct diagnose_device d = device(0);

	expect(&d, true, "has not looked at it");
	d.status = VIRTIO_STATUS_ACKNOWLEDGE;
	expect(&d, true, "load virtio_net");
	d.device_id = VIRTIO_ID_VSOCK;
	expect(&d, true, "load vmw_vsock_virtio_transport");
	d.device_id = 999;
	expect(&d, true, "of this type");
	d.status |= VIRTIO_STATUS_DRIVER;
	expect(&d, true, "did not agree on features");
	d.status |= VIRTIO_STATUS_FEATURES_OK;
	expect(&d, true, "is setting it up");
	d.status |= VIRTIO_STATUS_FAILED;
	expect(&d, true, "gave it up");
}

static void test_queues(void **state)
{
	struct diagnose_device d = device(READY);

	expect(&d, false, "it works");
	d.queue[0].interrupts = 0;
	expect(&d, false, "no interrupt was ever wanted");
	d.queue[0].in_flight = 2;
	expect(&d, true, "busy, slow, or stuck");
	d.queue[0].chains = 0;
	expect(&d, true, "has not answered any yet");
	/* A balloon keeps one request by its nature. */
	d.device_id = VIRTIO_ID_BALLOON;
	expect(&d, false, "it works");
	d.queue[0].in_flight = 0;
	d.queue[0].kicks = 0;
	expect(&d, true, "never kicked");
	d.queue[0].ready = false;
	expect(&d, true, "has set up no queue");
}

static void test_broken(void **state)
{
	struct diagnose_device d = device(READY | VIRTIO_STATUS_NEEDS_RESET);

	expect(&d, true, "for a reason of its own");
	d.why = "the back end has ended";
	expect(&d, true, "it is broken: the back end has ended; only a reset");
	d.gone = true;
	expect(&d, true, "taken away");
}

static void test_text(void **state)
{
	struct diagnose_device d = device(0xff);
	char text[DIAGNOSE_TEXT];

	diagnose_status(&d, text);
	assert_string_equal(text, "ACKNOWLEDGE DRIVER FEATURES_OK DRIVER_OK NEEDS_RESET FAILED");
	d.status = 0;
	diagnose_status(&d, text);
	assert_string_equal(text, "none");
	diagnose_queue(&d.queue[0], text);
	assert_string_equal(text, "8 entries, 0 posted, 3 kicks, 3 requests completed, "
				  "0 in flight, 1 interrupts");
	d.queue[0].posted = -1;
	diagnose_queue(&d.queue[0], text);
	assert_string_equal(text, "8 entries, 3 kicks, 3 requests completed, 0 in flight, "
				  "1 interrupts");
	diagnose_queue(&d.queue[1], text);
	assert_string_equal(text, "not set up, or stopped");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_on_the_way),
		cmocka_unit_test(test_queues),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
