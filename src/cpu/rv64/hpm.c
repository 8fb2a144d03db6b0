/* SPDX-License-Identifier: MIT */
/*
 * Counters: cycle, instret and Zihpm (privileged specification, 3.1.10 to 3.1.12).
 *
 * What can be counted is counted always, as one number for each event, where it costs nothing that
 * matters: in traps and slow paths. A counter is then an offset to the number of its event, and
 * while it is inhibited the offset alone. A cycle is an instruction.
 *
 * Whether and what a counter counts changes in one place (rearm), which keeps its value.
 */
#include "cpu/rv64/hpm.h"

#include "base/bits.h"

/* How often the event of a counter has happened before the present instruction. */
static uint64_t happened(const struct rv64_hart *h, unsigned counter)
{
	unsigned event = counter < RV64_HPM_FIRST ? 0 : h->csr.hpm_event[counter - RV64_HPM_FIRST];

	if (counter < RV64_HPM_FIRST)
		return h->retired;
	return h->happened[event];
}

/* The same with the instruction at hand, if there is one. */
static uint64_t happened_by(const struct rv64_hart *h, unsigned counter, unsigned now)
{
	return happened(h, counter) + (counter < RV64_HPM_FIRST ? now : 0);
}

static bool inhibited(const struct rv64_hart *h, unsigned counter)
{
	return h->csr.mcountinhibit >> counter & 1;
}

bool rv64_hpm_exists(unsigned counter)
{
	return counter == RV64_CYCLE || counter == RV64_INSTRET ||
	       (counter >= RV64_HPM_FIRST && counter < RV64_HPM_FIRST + RV64_N_HPM);
}

uint64_t rv64_hpm_read(const struct rv64_hart *h, unsigned counter)
{
	uint64_t offset;

	if (!rv64_hpm_exists(counter))
		return 0;
	offset = h->csr.counter_offset[counter];
	return inhibited(h, counter) ? offset : offset + happened(h, counter);
}

void rv64_hpm_write(struct rv64_hart *h, unsigned counter, uint64_t value, unsigned now)
{
	if (!rv64_hpm_exists(counter))
		return;
	if (!inhibited(h, counter))
		value -= happened_by(h, counter, now);
	h->csr.counter_offset[counter] = value;
}

void rv64_hpm_inhibit(struct rv64_hart *h, uint64_t value, unsigned now)
{
	for (unsigned i = 0; i < RV64_HPM_FIRST + RV64_N_HPM; i++) {
		uint64_t *offset = &h->csr.counter_offset[i];

		if (!rv64_hpm_exists(i) || !((h->csr.mcountinhibit ^ value) & BIT(i)))
			continue;
		*offset += value & BIT(i) ? happened_by(h, i, now) : -happened_by(h, i, now);
		h->csr.mcountinhibit ^= BIT(i);
	}
}

uint64_t rv64_hpm_event(const struct rv64_hart *h, unsigned counter)
{
	return counter < RV64_HPM_FIRST + RV64_N_HPM ? h->csr.hpm_event[counter - RV64_HPM_FIRST]
						     : 0;
}

void rv64_hpm_select(struct rv64_hart *h, unsigned counter, uint64_t event)
{
	uint64_t value = rv64_hpm_read(h, counter);

	if (counter >= RV64_HPM_FIRST + RV64_N_HPM)
		return;
	h->csr.hpm_event[counter - RV64_HPM_FIRST] = event < RV64_N_EVENTS ? (uint8_t)event
									   : RV64_EVENT_NONE;
	rv64_hpm_write(h, counter, value, 0);
}
