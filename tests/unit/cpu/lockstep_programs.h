/* SPDX-License-Identifier: MIT */
/*
 * Random programs for the engines in lock step.
 *
 * A program is four pages of instructions of every kind, one in eight of 16 bits and one across
 * each border of two pages, between them loads and stores that are misaligned, cross pages, leave
 * RAM or change the program itself (with a fence.i behind them, since without one either engine
 * may see either code). Registers have roles:
 *
 *	x2    the border of two data pages        x9    the last page of RAM
 *	x8    the program                         x18   the program, for jalr
 *
 * Another kind of program is loops around accesses off pointers that move by constants, in and
 * around the border of the data pages, around atomics and floating point, with ways out; some are
 * short and have none. Where there are only few of them, all that leads to them is hot as well.
 *
 * A third kind is arithmetic on four f registers with NaNs that appear and go, between accesses
 * that may trap. A fourth is rotations by three instructions, between such accesses.
 */
#ifndef TESTS_UNIT_CPU_LOCKSTEP_PROGRAMS_H
#define TESTS_UNIT_CPU_LOCKSTEP_PROGRAMS_H

#include <stdint.h>

#define CODE_WORDS 4096u

enum { SP = 2, S0 = 8, S1 = 9, S2 = 18 };

extern uint64_t seed; /* what the next random number follows from */
uint64_t next_random(void);
uint32_t below(uint32_t n);

/* Each fills all of code[]. */
void make_program(uint32_t code[CODE_WORDS]);
void make_loops(uint32_t code[CODE_WORDS]);
void make_few_loops(uint32_t code[CODE_WORDS]);
void make_nans(uint32_t code[CODE_WORDS]);
void make_rotations(uint32_t code[CODE_WORDS]);

#endif
