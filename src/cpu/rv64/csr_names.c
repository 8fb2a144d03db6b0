/* SPDX-License-Identifier: MIT */
/* The names of control and status registers (privileged specification, chapter 2.2). Which of them
 * a hart has is asked of the hart. */
#include "cpu/rv64/csr_names.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/bits.h"

/* `count` registers, named with numbers from `first` on; count 0: one, with the plain name. */
static const struct csr_name {
	uint16_t num;
	uint8_t count, first;
	const char *name;
} names[] = {
	{0x001, 0, 0, "fflags"},      {0x002, 0, 0, "frm"},        {0x003, 0, 0, "fcsr"},
	{0x100, 0, 0, "sstatus"},     {0x104, 0, 0, "sie"},        {0x105, 0, 0, "stvec"},
	{0x106, 0, 0, "scounteren"},  {0x10a, 0, 0, "senvcfg"},    {0x140, 0, 0, "sscratch"},
	{0x141, 0, 0, "sepc"},        {0x142, 0, 0, "scause"},     {0x143, 0, 0, "stval"},
	{0x144, 0, 0, "sip"},         {0x14d, 0, 0, "stimecmp"},   {0x150, 0, 0, "siselect"},
	{0x151, 0, 0, "sireg"},       {0x15c, 0, 0, "stopei"},     {0x180, 0, 0, "satp"},
	{0x300, 0, 0, "mstatus"},     {0x301, 0, 0, "misa"},       {0x302, 0, 0, "medeleg"},
	{0x303, 0, 0, "mideleg"},     {0x304, 0, 0, "mie"},        {0x305, 0, 0, "mtvec"},
	{0x306, 0, 0, "mcounteren"},  {0x30a, 0, 0, "menvcfg"},    {0x320, 0, 0, "mcountinhibit"},
	{0x323, 29, 3, "mhpmevent"},  {0x340, 0, 0, "mscratch"},   {0x341, 0, 0, "mepc"},
	{0x342, 0, 0, "mcause"},      {0x343, 0, 0, "mtval"},      {0x344, 0, 0, "mip"},
	{0x3a0, 0, 0, "pmpcfg0"},     {0x3a2, 0, 0, "pmpcfg2"},    {0x3b0, 16, 0, "pmpaddr"},
	{0xb00, 0, 0, "mcycle"},      {0xb02, 0, 0, "minstret"},   {0xb03, 29, 3, "mhpmcounter"},
	{0xc00, 0, 0, "cycle"},       {0xc01, 0, 0, "time"},       {0xc02, 0, 0, "instret"},
	{0xc03, 29, 3, "hpmcounter"}, {0xda0, 0, 0, "scountovf"},  {0xdb0, 0, 0, "stopi"},
	{0xf11, 0, 0, "mvendorid"},   {0xf12, 0, 0, "marchid"},    {0xf13, 0, 0, "mimpid"},
	{0xf14, 0, 0, "mhartid"},     {0xf15, 0, 0, "mconfigptr"},
};

const char *rv64_csr_name(unsigned num, char out[RV64_CSR_NAME])
{
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		const struct csr_name *n = &names[i];

		if (!n->count && n->num == num)
			return n->name;
		if (num < n->num || num - n->num >= n->count)
			continue;
		snprintf(out, RV64_CSR_NAME, "%s%u", n->name, n->first + num - n->num);
		return out;
	}
	return NULL;
}

int rv64_csr_number(const char *name)
{
	char buf[RV64_CSR_NAME];

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		for (unsigned num = names[i].num; num <= (unsigned)names[i].num + names[i].count;
		     num++) {
			const char *known = rv64_csr_name(num, buf);

			if (known && !strcmp(known, name))
				return (int)num;
		}
	}
	return -1;
}
