/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * /dev/kxo for programs: games of tic-tac-toe (4x4, three in a row) that play themselves.
 *
 * Who opens it has a table of their own, with one game on it between MCTS (X) and negamax (O) that
 * begins again when it has ended. KXO_IOCSETUP asks for others.
 *
 * read() gives whole frames, one for each move and one for each beginning, of all boards in the
 * order in which they happen. Nothing gets lost: a game waits until its last frame has found room.
 * It gives 0 after the last frame of the last game. poll() tells when there is something to read.
 *
 * write() takes one struct kxo_move after a frame with KXO_YOUR_MOVE. EINVAL: it is not of that
 * size, there is no such board, or the cell is not free. EBUSY: that board does not wait for a
 * move.
 */
#ifndef LINNET_KXO_H
#define LINNET_KXO_H

#include <linnet/ioctl.h>
#include <linux/types.h>

#define KXO_NO_CELL 0xff /* nobody has moved yet */

struct kxo_frame {
	__u32 cells; /* 2 bits each, cell 0 lowest: 0 free, 1 X, 2 O */
	__u8 board;  /* from 0 */
	__u8 last;   /* cell of the last move, or KXO_NO_CELL */
	__u8 result; /* enum xo_result of game/board.h */
	__u8 flags;
};
#define KXO_YOUR_MOVE 1

struct kxo_move {
	__u8 board;
	__u8 cell;
};

#endif
