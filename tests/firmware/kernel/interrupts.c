/* SPDX-License-Identifier: MIT */
/* Services called by interrupts, and what an interrupt and a change of threads cost, counted in
 * instructions: printed, and held against bounds that only a mistake would exceed. */
#include "guest/firmware/board/board.h"
#include "test.h"

#define ROUNDS 100u
#define BOUND  1000u

static TX_SEMAPHORE sem;
static TX_MUTEX m;
static TX_QUEUE q;
static ULONG memory[2];
static volatile uint64_t begun, entered, arrived;
static volatile UINT statuses[8];

static uint64_t instructions(void)
{
	uint64_t n;

	__asm__ volatile("csrr %0, minstret" : "=r"(n));
	return n;
}

static VOID get(ULONG i)
{
	for (;;) {
		CHECK_OK(tx_semaphore_get(&sem, TX_WAIT_FOREVER));
		arrived = instructions();
		mark((char)('a' + i));
	}
}

static void allowed(void)
{
	ULONG message = 7;

	mark('i');
	statuses[0] = tx_semaphore_put(&sem);
	statuses[1] = tx_queue_send(&q, &message, TX_NO_WAIT);
	statuses[2] = tx_queue_receive(&q, &message, TX_NO_WAIT);
	mark('I');
}

static void refused(void)
{
	static TX_SEMAPHORE other;
	ULONG message;
	UINT old;

	statuses[0] = tx_semaphore_get(&sem, 1);
	statuses[1] = tx_queue_receive(&q, &message, TX_WAIT_FOREVER);
	statuses[2] = tx_mutex_get(&m, TX_NO_WAIT);
	statuses[3] = tx_thread_sleep(1);
	statuses[4] = tx_semaphore_create(&other, TX_NULL, 0);
	statuses[5] = tx_thread_suspend(tx_thread_identify());
	statuses[6] = tx_thread_priority_change(tx_thread_identify(), 3, &old);
	statuses[7] = tx_thread_terminate(tx_thread_identify());
}

static void services(void)
{
	start(0, get, 5);
	in_interrupt(allowed);
	CHECK_ORDER("iIa"); /* the thread runs when the interrupt is over */
	for (int i = 0; i < 3; i++)
		CHECK(statuses[i] == TX_SUCCESS);
	in_interrupt(refused);
	CHECK(statuses[0] == TX_WAIT_ERROR && statuses[1] == TX_WAIT_ERROR);
	for (int i = 2; i < 8; i++)
		CHECK(statuses[i] == TX_CALLER_ERROR);
	end_workers();
}

/* With interrupts off nothing happens until they are on. */
static void control(void)
{
	UINT before = tx_interrupt_control(TX_INT_DISABLE);

	in_interrupt(allowed);
	CHECK_ORDER("");
	CHECK(before == TX_INT_ENABLE);
	CHECK(tx_interrupt_control(before) == TX_INT_DISABLE);
	__asm__ volatile("nop" ::: "memory");
	CHECK_ORDER("iI");
	CHECK_OK(tx_semaphore_get(&sem, TX_NO_WAIT));
}

static void put(void)
{
	entered = instructions();
	(void)tx_semaphore_put(&sem);
}

struct cost {
	const char *name;
	uint64_t least, most;
};

static void count(struct cost *c, uint64_t n)
{
	c->least = n < c->least ? n : c->least;
	c->most = n > c->most ? n : c->most;
}

static void tell(const struct cost *c)
{
	board_say("instructions, %s: %lu to %lu", c->name, c->least, c->most);
	CHECK(c->least > 0 && c->most < BOUND);
}

/* Two that give way to each other: each sees how long ago the other did. */
static struct cost change = {"relinquish to the next thread", ~0ul, 0};

static VOID give_way(ULONG i)
{
	for (unsigned n = 0; n < ROUNDS; n++) {
		if (n > 0)
			count(&change, instructions() - begun);
		begun = instructions();
		tx_thread_relinquish();
	}
}

static void costs(void)
{
	struct cost entry = {"interrupt to handler", ~0ul, 0};
	struct cost wake = {"handler's put to the thread that waits", ~0ul, 0};
	struct cost thread_put = {"put to a more urgent thread", ~0ul, 0};

	start(0, get, 5);
	for (unsigned n = 0; n < ROUNDS; n++) {
		begun = instructions();
		in_interrupt(put);
		count(&entry, entered - begun);
		count(&wake, arrived - entered);
		begun = instructions();
		CHECK_OK(tx_semaphore_put(&sem));
		count(&thread_put, arrived - begun);
		CHECK_ORDER("aa");
	}
	end_workers();
	start(0, give_way, TEST_PRIORITY + 1);
	start(1, give_way, TEST_PRIORITY + 1);
	CHECK_OK(tx_thread_sleep(2));
	end_workers();
	tell(&entry);
	tell(&wake);
	tell(&thread_put);
	tell(&change);
}

void test_interrupts(void)
{
	CHECK_OK(tx_semaphore_create(&sem, "sem", 0));
	CHECK_OK(tx_mutex_create(&m, "m", TX_INHERIT));
	CHECK_OK(tx_queue_create(&q, "q", TX_1_ULONG, memory, sizeof(memory)));
	services();
	control();
	costs();
	CHECK_OK(tx_semaphore_delete(&sem));
	CHECK_OK(tx_mutex_delete(&m));
	CHECK_OK(tx_queue_delete(&q));
}
