/* SPDX-License-Identifier: MIT */
/* Who runs when: priorities, thresholds, slices; and what a thread's life consists of. */
#include "test.h"

static VOID letter(ULONG i)
{
	mark((char)('a' + i));
}

static VOID letter_and_relinquish(ULONG i)
{
	for (int n = 0; n < 3; n++) {
		mark((char)('a' + i));
		tx_thread_relinquish();
	}
}

static void create(void)
{
	static UCHAR stack[TX_MINIMUM_STACK] __attribute__((aligned(16)));
	static TX_THREAD t;
	CHAR *name = "t", *got;
	TX_THREAD *next;

#define CREATE(thread, entry, stack, size, priority, threshold, start) \
	tx_thread_create(thread, name, entry, 0, stack, size, priority, threshold, 0, start)
	CHECK_STATUS(CREATE(TX_NULL, letter, stack, sizeof(stack), 5, 5, 0), TX_THREAD_ERROR);
	CHECK_STATUS(CREATE(&t, TX_NULL, stack, sizeof(stack), 5, 5, 0), TX_PTR_ERROR);
	CHECK_STATUS(CREATE(&t, letter, TX_NULL, sizeof(stack), 5, 5, 0), TX_PTR_ERROR);
	CHECK_STATUS(CREATE(&t, letter, stack, sizeof(stack) - 1, 5, 5, 0), TX_SIZE_ERROR);
	CHECK_STATUS(CREATE(&t, letter, stack, sizeof(stack), 32, 5, 0), TX_PRIORITY_ERROR);
	CHECK_STATUS(CREATE(&t, letter, stack, sizeof(stack), 5, 6, 0), TX_THRESH_ERROR);
	CHECK_STATUS(CREATE(&t, letter, stack, sizeof(stack), 5, 5, 2), TX_START_ERROR);
	CHECK_OK(CREATE(&t, letter, stack, sizeof(stack), 5, 5, TX_DONT_START));
	CHECK_STATUS(CREATE(&t, letter, stack, sizeof(stack), 5, 5, 0), TX_THREAD_ERROR);
#undef CREATE
	CHECK_ORDER("");
	CHECK_OK(tx_thread_info_get(&t, &got, TX_NULL, TX_NULL, TX_NULL, TX_NULL, TX_NULL, &next,
				    TX_NULL));
	CHECK(got == name && next == tx_thread_identify()); /* the oldest */
	CHECK_STATUS(tx_thread_delete(&t), TX_DELETE_ERROR);
	CHECK_STATUS(tx_thread_reset(&t), TX_NOT_DONE);
	CHECK_OK(tx_thread_resume(&t));
	CHECK_ORDER("a"); /* at once, since it is more urgent */
	CHECK_OK(tx_thread_reset(&t));
	CHECK_OK(tx_thread_resume(&t));
	CHECK_ORDER("a");
	CHECK_STATUS(tx_thread_resume(&t), TX_RESUME_ERROR);
	CHECK_STATUS(tx_thread_suspend(&t), TX_SUSPEND_ERROR);
	CHECK_OK(tx_thread_terminate(&t));
	CHECK_OK(tx_thread_delete(&t));
	CHECK_STATUS(tx_thread_delete(&t), TX_THREAD_ERROR);
	CHECK_STATUS(tx_thread_resume(&t), TX_THREAD_ERROR);
	CHECK_STATUS(tx_thread_terminate(TX_NULL), TX_THREAD_ERROR);
}

static void priorities(void)
{
	start(0, letter, TEST_PRIORITY + 3);
	start(1, letter, TEST_PRIORITY + 1);
	start(2, letter, TEST_PRIORITY + 2);
	start(3, letter, TEST_PRIORITY - 1);
	start(4, letter, TEST_PRIORITY + 1);
	CHECK_ORDER("d");
	CHECK_OK(tx_thread_sleep(1));
	CHECK_ORDER("beca");
	CHECK(state_of(0) == TX_COMPLETED);
	end_workers();
	start(0, letter_and_relinquish, TEST_PRIORITY + 1);
	start(1, letter_and_relinquish, TEST_PRIORITY + 1);
	start(2, letter, TEST_PRIORITY + 2);
	CHECK_OK(tx_thread_sleep(1));
	CHECK_ORDER("abababc");
	end_workers();
}

/* Worker 1 is above the threshold's bar, worker 2 below it, though both are more urgent. */
static VOID guarded(ULONG i)
{
	mark('a');
	start(1, letter, 10);
	start(2, letter, 5);
	mark('A');
	(void)tx_thread_sleep(1);
	mark('z');
}

static void thresholds(void)
{
	UINT old;

	start_worker(0, guarded, 12, 8, TX_NO_TIME_SLICE);
	CHECK_ORDER("acAb"); /* b had to wait until a slept */
	CHECK_OK(tx_thread_sleep(2));
	CHECK_ORDER("z");
	end_workers();

	/* Our own, by a change: worker 0 waits until it is taken back. */
	CHECK_STATUS(tx_thread_preemption_change(tx_thread_identify(), TEST_PRIORITY + 1, &old),
		     TX_THRESH_ERROR);
	CHECK_STATUS(tx_thread_preemption_change(tx_thread_identify(), 0, TX_NULL), TX_PTR_ERROR);
	CHECK_OK(tx_thread_preemption_change(tx_thread_identify(), 6, &old));
	CHECK(old == TEST_PRIORITY);
	start(0, letter, 10);
	start(1, letter, 6);
	start(2, letter, 5);
	CHECK_ORDER("c");
	CHECK_OK(tx_thread_preemption_change(tx_thread_identify(), old, &old));
	CHECK(old == 6);
	CHECK_ORDER("ba");
	end_workers();
}

static VOID change_and_mark(ULONG i)
{
	UINT old;

	mark('a');
	CHECK_OK(tx_thread_priority_change(&worker[i], TEST_PRIORITY + 5, &old));
	CHECK(old == TEST_PRIORITY + 1);
	mark('A');
}

static void changes(void)
{
	TX_THREAD *me = tx_thread_identify();
	ULONG slice;
	UINT old;

	CHECK_STATUS(tx_thread_priority_change(me, 32, &old), TX_PRIORITY_ERROR);
	CHECK_STATUS(tx_thread_priority_change(me, 3, TX_NULL), TX_PTR_ERROR);
	CHECK_STATUS(tx_thread_time_slice_change(me, 3, TX_NULL), TX_PTR_ERROR);
	start(0, change_and_mark, TEST_PRIORITY + 1);
	start(1, letter, TEST_PRIORITY + 2);
	start(2, letter, TEST_PRIORITY + 5);
	CHECK_OK(tx_thread_sleep(1));
	CHECK_ORDER("abcA");
	CHECK_OK(tx_thread_time_slice_change(me, 3, &slice));
	CHECK(slice == TX_NO_TIME_SLICE);
	CHECK_OK(tx_thread_time_slice_change(me, slice, &slice));
	CHECK(slice == 3);
	end_workers();
}

static volatile ULONG runner, spin_end;

/* Marks each time that the hart is its own again. */
static VOID spin(ULONG i)
{
	while (tx_time_get() < spin_end) {
		if (runner != i && tx_time_get() < spin_end)
			mark((char)('a' + i));
		runner = i;
	}
}

static void spin_both(ULONG slice, UINT threshold)
{
	runner = ~0ul;
	CHECK_OK(tx_thread_sleep(1)); /* in step with the ticks */
	spin_end = tx_time_get() + 12;
	start_worker(0, spin, TEST_PRIORITY + 1, threshold, slice);
	start_worker(1, spin, TEST_PRIORITY + 1, threshold, slice);
	CHECK_OK(tx_thread_sleep(15));
	end_workers();
}

static void slices(void)
{
	spin_both(3, TEST_PRIORITY + 1);
	CHECK_ORDER("abab");
	spin_both(TX_NO_TIME_SLICE, TEST_PRIORITY + 1);
	CHECK_ORDER("a");
	spin_both(3, TEST_PRIORITY); /* a threshold means no slices */
	CHECK_ORDER("a");
}

/* Floating-point registers are a thread's own, also when it is an interrupt that takes the hart. */
static volatile double sums[2];

static VOID add(ULONG i)
{
	double step = i ? 0.5 : 0.25, sum = 0;

	for (unsigned n = 0; n < 4000000; n++)
		sum += step;
	sums[i] = sum;
}

static void floats(void)
{
	sums[0] = sums[1] = 0;
	start_worker(0, add, TEST_PRIORITY + 1, TEST_PRIORITY + 1, 1);
	start_worker(1, add, TEST_PRIORITY + 1, TEST_PRIORITY + 1, 1);
	while (sums[0] == 0 || sums[1] == 0)
		CHECK_OK(tx_thread_sleep(1));
	CHECK(sums[0] == 1e6 && sums[1] == 2e6);
	CHECK(worker[0].run_count > 2);
	end_workers();
}

void test_threads(void)
{
	create();
	priorities();
	thresholds();
	changes();
	slices();
	floats();
}
