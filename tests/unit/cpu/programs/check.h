/* SPDX-License-Identifier: MIT */
/*
 * For programs that check themselves in M mode. They end in wfi with a0 = 0, or with the number of
 * the line that failed. a0 to a4 belong to the checks.
 */
#define PASS   \
	li a0, 0; \
	j stop
#define EXPECT(reg, want)   \
	li a4, want;        \
	li a0, __LINE__;    \
	beq reg, a4, 1f;    \
	j stop;             \
1:

#define RR(insn, a, b, want) \
	li a1, a;            \
	li a2, b;            \
	insn a3, a1, a2;     \
	EXPECT(a3, want)
#define RI(insn, a, imm, want) \
	li a1, a;              \
	insn a3, a1, imm;      \
	EXPECT(a3, want)
#define R1(insn, a, want) \
	li a1, a;         \
	insn a3, a1;      \
	EXPECT(a3, want)

	.option nopic
	.option arch, +zba, +zbb, +zbs, +zicbom, +zicboz, +zicbop, +svinval
	.text
	.globl _start
	j _start
	.balign 4
stop:
	wfi
	j stop
