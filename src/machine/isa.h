/* SPDX-License-Identifier: MIT */
/* What the harts of a board are, in the words of the RISC-V device tree bindings. */
#ifndef MACHINE_ISA_H
#define MACHINE_ISA_H

/* The extensions of the software engines, one string a name, each ended by NUL: the form of the
 * property riscv,isa-extensions (Documentation: devicetree bindings, riscv/extensions.yaml). */
#define ISA_RV64_EXTENSIONS                                                           \
	"i\0m\0a\0f\0d\0c\0zicbom\0zicbop\0zicboz\0zicntr\0zicond\0zicsr\0zifencei\0" \
	"zba\0zbb\0zbs\0sstc\0svadu\0svinval"

/* The same as one word, for software that knows only riscv,isa. */
#define ISA_RV64_STRING                                                                        \
	"rv64imafdc_zicbom_zicbop_zicboz_zicntr_zicond_zicsr_zifencei_zba_zbb_zbs_sstc_svadu_" \
	"svinval"

#define ISA_CBO_BLOCK 64u /* bytes that cbo.* and prefetch.* work on */

#endif
