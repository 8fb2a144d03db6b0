/* SPDX-License-Identifier: MIT */
/* What the interpreter adds to floating-point arithmetic: legality, registers, state. */
#include "check.inc"

#define FS        (3 << 13)
#define QNAN_S    0x7fc00000
#define ONE_S     0x3f800000
#define ONE_D     0x3ff0000000000000
#define THREE_D   0x4008000000000000
#define THIRD_RTZ 0x3fd5555555555555
#define THIRD_RUP 0x3fd5555555555556

/* The instruction must trap as illegal: s2 counts traps, s3 is the last tval. */
#define ILLEGAL(bits)     \
	li s2, 0;         \
	.4byte bits;      \
	EXPECT(s2, 1)     \
	li a3, bits;      \
	sub a3, a3, s3;   \
	slli a3, a3, 32;  \
	EXPECT(a3, 0)

_start:
	la t0, handler
	csrw mtvec, t0
	csrw mstatus, zero

	/* FS off: every kind traps, with its bits. */
	ILLEGAL(0x02208053) /* fadd.d f0, f1, f2, rne */
	ILLEGAL(0x00002007) /* flw f0, 0(x0) */
	ILLEGAL(0x00003027) /* fsd f0, 0(x0) */
	ILLEGAL(0xe0000553) /* fmv.x.w a0, f0 */
	ILLEGAL(0x22000053) /* fsgnj.d f0, f0, f0 */
	ILLEGAL(0x00102573) /* frflags a0 */
	li s2, 0
	.2byte 0x2000 /* c.fld f8, 0(x8) */
	EXPECT(s2, 1)
	EXPECT(s3, 0x2000)

	/* Initial: an operation makes it dirty, a store does not. */
	li t0, 1 << 13
	csrs mstatus, t0
	la s0, data
	fsd f0, 0(s0)
	csrr a3, mstatus
	srli a3, a3, 13
	andi a3, a3, 3
	EXPECT(a3, 1)
	li a1, ONE_D
	fmv.d.x f1, a1
	csrr a3, mstatus
	srli a3, a3, 13
	andi a3, a3, 3
	EXPECT(a3, 3)

	/* Rounding modes: static, dynamic, reserved. */
	li a1, THREE_D
	fmv.d.x f2, a1
	fdiv.d f3, f1, f2, rtz
	fmv.x.d a3, f3
	EXPECT(a3, THIRD_RTZ)
	fdiv.d f3, f1, f2, rup
	fmv.x.d a3, f3
	EXPECT(a3, THIRD_RUP)
	fsrmi 3
	fdiv.d f3, f1, f2
	fmv.x.d a3, f3
	EXPECT(a3, THIRD_RUP)
	frflags a3
	EXPECT(a3, 1)
	fsrmi 5
	ILLEGAL(0x0220f053) /* fadd.d f0, f1, f2, dyn */
	fsrmi 0
	ILLEGAL(0x0220d053) /* fadd.d with rm 5 */
	fsgnjn.d f3, f1, f1 /* has no rounding mode */

	/* Narrow values in wide registers. */
	li a1, ONE_S
	fmv.w.x f4, a1
	fmv.x.d a3, f4
	EXPECT(a3, 0xffffffff3f800000)
	fmv.d.x f5, a1 /* not boxed: reads as NaN */
	fadd.s f6, f4, f5
	fmv.x.w a3, f6
	EXPECT(a3, QNAN_S)
	fmv.x.w a3, f5 /* but moves take the bits as they are */
	EXPECT(a3, ONE_S)
	fadd.s f6, f4, f4
	fsw f6, 0(s0)
	lw a3, 0(s0)
	EXPECT(a3, 0x40000000)
	flw f7, 0(s0)
	fmv.x.d a3, f7
	EXPECT(a3, 0xffffffff40000000)
	fld f7, 8(s0)
	fsd f7, 0(s0)
	ld a3, 0(s0)
	EXPECT(a3, 0x1122334455667788)

	/* One of each shape. */
	fmadd.s f8, f6, f6, f4
	fcvt.w.s a3, f8
	EXPECT(a3, 5)
	fnmsub.d f8, f1, f2, f1
	fcvt.l.d a3, f8, rtz
	EXPECT(a3, -2)
	fmsub.d f8, f2, f2, f1
	fcvt.lu.d a3, f8
	EXPECT(a3, 8)
	fnmadd.d f8, f2, f2, f1
	fcvt.w.d a3, f8
	EXPECT(a3, -10)
	fsqrt.d f8, f1
	fmul.d f8, f8, f2
	fsub.d f8, f8, f1
	fmin.d f9, f8, f1
	fmax.d f8, f8, f2
	feq.d a3, f8, f2
	EXPECT(a3, 1)
	flt.d a3, f9, f2
	EXPECT(a3, 1)
	fle.d a3, f2, f9
	EXPECT(a3, 0)
	fclass.d a3, f9
	EXPECT(a3, 0x40)
	li a1, -3
	fcvt.s.l f8, a1
	fcvt.d.s f8, f8
	fneg.d f8, f8
	feq.d a3, f8, f2
	EXPECT(a3, 1)
	fcvt.s.d f8, f8
	fcvt.wu.s a3, f8
	EXPECT(a3, 3)
	PASS

	.balign 4
handler:
	csrr s3, mcause
	addi s3, s3, -2
	bnez s3, stop
	addi s2, s2, 1
	csrr s3, mepc
	lhu s4, 0(s3)
	andi s4, s4, 3
	addi s4, s4, -3
	addi s3, s3, 2
	bnez s4, 1f
	addi s3, s3, 2
1:	csrw mepc, s3
	csrr s3, mtval
	mret

	.balign 16
data:
	.dword 0, 0x1122334455667788
