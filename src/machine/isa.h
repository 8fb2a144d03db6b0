/* SPDX-License-Identifier: MIT */
/* What the harts of a board are, in the words of the RISC-V device tree bindings. */
#ifndef MACHINE_ISA_H
#define MACHINE_ISA_H

/* The extensions of the software engines, one string a name, each ended by NUL: the form of the
 * property riscv,isa-extensions (Documentation: devicetree bindings, riscv/extensions.yaml). */
#define ISA_RV64_EXTENSIONS                                                           \
	"i\0m\0a\0f\0d\0c\0zicbom\0zicbop\0zicboz\0zicntr\0zicond\0zicsr\0zifencei\0" \
	"zawrs\0zfa\0zba\0zbb\0zbc\0zbs\0sstc\0svadu\0svinval\0svnapot\0svpbmt"

/* The same as one word, for software that knows only riscv,isa. */
#define ISA_RV64_STRING                                                                   \
	"rv64imafdc_zicbom_zicbop_zicboz_zicntr_zicond_zicsr_zifencei_zawrs_zfa_zba_zbb_" \
	"zbc_zbs_sstc_svadu_svinval_svnapot_svpbmt"

/* With interrupt files for S mode, there is one more: behind the others. */
#define ISA_AIA "ssaia"

#define ISA_CBO_BLOCK 64u /* bytes that cbo.* and prefetch.* work on */

#endif
