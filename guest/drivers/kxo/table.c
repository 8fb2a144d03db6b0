// SPDX-License-Identifier: GPL-2.0
/*
 * The games of one opener. A game goes from state to state (enum kxo_state), by ticks of the bottom
 * half, by its think work, and by write():
 *
 *	FRAME_DUE --tick--> THINKING --agent--> FRAME_DUE ...
 *	FRAME_DUE --tick--> WAITING --write()--> FRAME_DUE ...
 *	FRAME_DUE --tick, the game has ended--> FRAME_DUE of the next game, or DONE
 */
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include "dev.h"

/* --- thinking --------------------------------------------------------------------------------- */

/* An agent comes by here every XO_SLICE steps. */
static bool pause_thinking(struct xo_search *s)
{
	struct kxo_game *game = s->owner;
	u64 held = ktime_get_ns() - game->resumed_ns;

	game->busy_ns += held;
	game->longest_ns = max(game->longest_ns, held);
	cond_resched();
	game->resumed_ns = ktime_get_ns();
	return READ_ONCE(game->table->stopping);
}

static void think(struct work_struct *work)
{
	struct kxo_game *game = container_of(work, struct kxo_game, think);
	struct kxo_table *table = game->table;
	struct kxo_stats *stats = &table->stats;
	struct kxo_dev *dev = table->dev;
	struct xo_board board;
	enum xo_agent agent;
	int cell;

	spin_lock_bh(&table->lock);
	board = game->board;
	agent = game->agent;
	spin_unlock_bh(&table->lock);

	game->busy_ns = 0;
	game->longest_ns = 0;
	game->resumed_ns = ktime_get_ns();
	cell = xo_choose(agent, &board, &game->search);
	pause_thinking(&game->search);

	spin_lock_bh(&table->lock);
	if (cell >= 0 && !table->stopping) {
		enum xo_player mover = xo_to_move(&game->board);

		game->record = xo_record_add(game->record, xo_ply(&game->board), cell);
		xo_play(&game->board, cell);
		game->last = cell;
		game->state = KXO_FRAME_DUE;
		stats->moves[mover]++;
		stats->busy_ns[mover] += game->busy_ns;
		stats->longest_ns[mover] = max(stats->longest_ns[mover], game->longest_ns);
	}
	spin_unlock_bh(&table->lock);

	spin_lock_bh(&dev->lock);
	dev->longest_ns = max(dev->longest_ns, game->longest_ns);
	spin_unlock_bh(&dev->lock);
}

/* --- going on --------------------------------------------------------------------------------- */

/* Under table->lock. */
static void begin_game(struct kxo_table *table, struct kxo_game *game)
{
	if (table->setup.games && table->begun == table->setup.games) {
		game->state = KXO_DONE;
		table->running--;
		return;
	}
	game->board = (struct xo_board){};
	game->record = 0;
	game->last = KXO_NO_CELL;
	game->state = KXO_FRAME_DUE;
	/* From the number of the game and not from what came before, whichever board it is on. */
	game->search.random = table->setup.seed + table->begun++ * 0xd1342543de82ef95ull;
}

/* In the bottom half, under dev->lock and table->lock. */
static void end_game(struct kxo_table *table, struct kxo_game *game)
{
	struct kxo_dev *dev = table->dev;

	dev->records[dev->games++ % KXO_RECORDS] = game->record;
	table->stats.games++;
	begin_game(table, game);
}

static void tick_game(struct kxo_table *table, struct kxo_game *game)
{
	enum xo_result result;
	struct kxo_frame frame;
	u8 agent;

	if (game->state != KXO_FRAME_DUE)
		return;
	result = xo_result(&game->board);
	agent = table->setup.agents[xo_to_move(&game->board)];
	frame = (struct kxo_frame){.cells = xo_pack(&game->board),
				   .board = game - table->games,
				   .last = game->last,
				   .result = result};
	if (result == XO_RUNNING && agent == KXO_USER)
		frame.flags = KXO_YOUR_MOVE;
	if (table->dev->display || frame.flags || result != XO_RUNNING) {
		if (!kfifo_put(&table->fifo, frame))
			return; /* the next tick tries again */
	}
	if (result != XO_RUNNING) {
		end_game(table, game);
	} else if (agent == KXO_USER) {
		game->state = KXO_WAITING;
	} else {
		game->state = KXO_THINKING;
		game->agent = agent;
		queue_work(table->dev->thinkers, &game->think);
	}
}

void kxo_table_tick(struct kxo_table *table)
{
	spin_lock(&table->lock);
	if (!table->stopping)
		for (int i = 0; i < table->setup.boards; i++)
			tick_game(table, &table->games[i]);
	spin_unlock(&table->lock);
	/* Also when the last game has ended without a frame of its own. */
	if (!kfifo_is_empty(&table->fifo) || !READ_ONCE(table->running))
		wake_up_interruptible_poll(&table->wait, EPOLLIN | EPOLLRDNORM);
}

int kxo_table_move(struct kxo_table *table, const struct kxo_move *move)
{
	struct kxo_game *game;
	int ret = -EINVAL;

	spin_lock_bh(&table->lock);
	if (move->board >= table->setup.boards || move->cell >= XO_CELLS)
		goto out;
	game = &table->games[move->board];
	ret = -EBUSY;
	if (table->stopping || game->state != KXO_WAITING)
		goto out;
	ret = -EINVAL;
	if (!(xo_free(&game->board) >> move->cell & 1))
		goto out;
	game->record = xo_record_add(game->record, xo_ply(&game->board), move->cell);
	xo_play(&game->board, move->cell);
	game->last = move->cell;
	game->state = KXO_FRAME_DUE;
	ret = 0;
out:
	spin_unlock_bh(&table->lock);
	return ret;
}

/* --- beginning and end ------------------------------------------------------------------------ */

bool kxo_table_over(struct kxo_table *table)
{
	return READ_ONCE(table->ended) || !READ_ONCE(table->running);
}

void kxo_table_end(struct kxo_table *table)
{
	spin_lock(&table->lock);
	WRITE_ONCE(table->stopping, true);
	WRITE_ONCE(table->ended, true);
	spin_unlock(&table->lock);
	wake_up_interruptible_poll(&table->wait, EPOLLIN | EPOLLRDNORM | EPOLLHUP);
}

/* Nothing of the games runs when this returns, and nothing begins. */
static void stop_games(struct kxo_table *table)
{
	spin_lock_bh(&table->lock);
	WRITE_ONCE(table->stopping, true);
	spin_unlock_bh(&table->lock);
	for (int i = 0; i < table->setup.boards; i++)
		cancel_work_sync(&table->games[i].think);
}

static bool valid_agent(u8 agent)
{
	return agent < XO_AGENTS || agent == KXO_USER;
}

int kxo_table_setup(struct kxo_table *table, const struct kxo_setup *setup)
{
	struct kxo_game *games, *old;
	int ret = 0;

	if (setup->zero || !setup->boards || setup->boards > KXO_BOARDS_MAX ||
	    !valid_agent(setup->agents[XO_X]) || !valid_agent(setup->agents[XO_O]))
		return -EINVAL;
	/* Charged to who asks: every user may. */
	games = kvcalloc(setup->boards, sizeof(*games), GFP_KERNEL_ACCOUNT);
	if (!games)
		return -ENOMEM;
	for (int i = 0; i < setup->boards; i++) {
		games[i].table = table;
		games[i].search.owner = &games[i];
		games[i].search.pause = pause_thinking;
		INIT_WORK(&games[i].think, think);
	}

	mutex_lock(&table->setup_lock);
	stop_games(table);
	mutex_lock(&table->read_lock);
	spin_lock_bh(&table->dev->lock);
	spin_lock(&table->lock);
	old = table->games;
	if (table->dev->end) {
		old = games;
		ret = -ESHUTDOWN;
		goto unlock;
	}
	kfifo_reset(&table->fifo);
	table->games = games;
	table->setup = *setup;
	table->running = setup->boards;
	table->begun = 0;
	table->stats = (struct kxo_stats){};
	WRITE_ONCE(table->stopping, false);
	WRITE_ONCE(table->ended, false);
	for (int i = 0; i < setup->boards; i++)
		begin_game(table, &games[i]);
unlock:
	spin_unlock(&table->lock);
	spin_unlock_bh(&table->dev->lock);
	mutex_unlock(&table->read_lock);
	mutex_unlock(&table->setup_lock);
	kvfree(old);
	return ret;
}

struct kxo_table *kxo_table_new(struct kxo_dev *dev)
{
	struct kxo_table *table = kzalloc(sizeof(*table), GFP_KERNEL_ACCOUNT);

	if (!table)
		return NULL;
	table->dev = dev;
	table->stopping = true; /* until there are games */
	INIT_LIST_HEAD(&table->node);
	mutex_init(&table->setup_lock);
	mutex_init(&table->read_lock);
	spin_lock_init(&table->lock);
	init_waitqueue_head(&table->wait);
	INIT_KFIFO(table->fifo);
	return table;
}

void kxo_table_free(struct kxo_table *table)
{
	stop_games(table);
	kvfree(table->games);
	kfree(table);
}
