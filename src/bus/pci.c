/* SPDX-License-Identifier: MIT */
/*
 * Configuration space is an array of 32-bit atomics beside one of the bits that the guest may
 * change. Only the loop writes it, so that any hart can read it without waiting; what a write
 * brings about (BARs that move, interrupts that are disconnected) happens on the loop as well, and
 * is done when the hart goes on.
 *
 * The interrupt wire follows a word of two bits, what the device says and whether it is
 * disconnected, as irq_follow_word() does: the device's thread and the loop may move it at once.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/endian.h"
#include "base/log.h"
#include "bus/pci_impl.h"

/* Offsets into configuration space, and bits there. */
#define ID             0x00u
#define CLASS_REVISION 0x08u
#define BAR0           0x10u
#define SUBSYSTEM      0x2cu
#define CAPS           0x34u
#define INTERRUPT      0x3cu
#define HEADER_END     0x40u
#define STATUS_INTX    (1u << (16 + 3))
#define STATUS_CAPS    (1u << (16 + 4))
#define PIN_A          (1u << 8)
#define BAR_64         4u
#define BAR_FLAGS      0xfu
#define BAR_MIN        0x1000u

#define INTX_RAISED 1u
#define INTX_CUT    2u

#define SLOT_SHIFT 15u

struct pci_bus {
	struct pci_bus_config cfg;
	struct pci_function *slot[PCI_SLOTS];
	struct log_limit log;
};

int pci_bus_new(const struct pci_bus_config *cfg, struct pci_bus **out)
{
	struct pci_bus *b = calloc(1, sizeof(*b));

	if (!b)
		return -ENOMEM;
	b->cfg = *cfg;
	*out = b;
	return 0;
}

void pci_bus_free(struct pci_bus *b)
{
	free(b);
}

struct msi_sink pci_msi_sink(const struct pci_function *f)
{
	return f->bus->cfg.msi;
}

uint32_t pci_config_word(const struct pci_function *f, unsigned at)
{
	return atomic_load(&f->word[at / 4]);
}

static uint32_t command(const struct pci_function *f)
{
	return pci_config_word(f, PCI_COMMAND) & 0xffff;
}

/* ---- interrupts ---- */

static void intx_follow(struct pci_function *f)
{
	bool now = atomic_load(&f->intx) == INTX_RAISED;
	bool was;

	do {
		irq_set(f->cfg.irq, now);
		was = now;
		now = atomic_fetch_or(&f->intx, 0) == INTX_RAISED;
	} while (was != now);
}

static void intx_change(struct pci_function *f, unsigned bit, bool on)
{
	unsigned old = on ? atomic_fetch_or(&f->intx, bit) : atomic_fetch_and(&f->intx, ~bit);

	if (!!(old & bit) != on)
		intx_follow(f);
}

static void intx_set(void *function, unsigned line, bool level)
{
	intx_change(function, INTX_RAISED, level);
}

struct irq pci_intx(struct pci_function *f)
{
	return (struct irq){.set = intx_set, .controller = f};
}

/* After changes of the command register or of MSI-X, which replaces the wire. */
static void interrupts_update(struct pci_function *f)
{
	pci_msix_update(f);
	intx_change(f, INTX_CUT,
		    command(f) & PCI_COMMAND_NO_INTX || pci_msix_enabled(f) ||
			    atomic_load(&f->gone));
}

void pci_function_gone(struct pci_function *f)
{
	atomic_store(&f->gone, true);
	intx_change(f, INTX_CUT, true);
}

/* ---- BARs ---- */

static bool in_window(const struct pci_bus *b, uint64_t base, uint64_t size)
{
	for (unsigned i = 0; i < PCI_WINDOWS; i++) {
		const struct pci_window *w = &b->cfg.window[i];

		if (base >= w->base && size <= w->size && base - w->base <= w->size - size)
			return true;
	}
	return false;
}

/* Where the guest wants BAR n; 0: nowhere, or where it cannot be. */
static uint64_t bar_wanted(const struct pci_function *f, unsigned n)
{
	uint64_t base = pci_config_word(f, BAR0 + 8 * n) & ~BAR_FLAGS;

	base |= (uint64_t)pci_config_word(f, BAR0 + 8 * n + 4) << 32;
	if (!f->bar[n].size || !(command(f) & PCI_COMMAND_MEMORY) ||
	    !in_window(f->bus, base, f->bar[n].size))
		return 0;
	return base;
}

static void bar_unmap(struct pci_function *f, unsigned n)
{
	int ret;

	if (!f->mapped[n])
		return;
	ret = bus_remove(f->bus->cfg.bus, f->mapped[n]);
	if (ret)
		log_warn_limited(&f->bus->log, 4, "PCI slot %u: BAR %u cannot be moved: %s",
				 f->cfg.slot, 2 * n, strerror(-ret));
	else
		f->mapped[n] = 0;
}

static void bar_map(struct pci_function *f, unsigned n)
{
	const struct pci_bar *bar = &f->bar[n];
	const struct bus_range r = {.base = bar_wanted(f, n),
				    .size = bar->size,
				    .name = bar->name,
				    .dev = bar->dev,
				    .direct = bar->direct,
				    .posted = bar->posted,
				    .loop = f->bus->cfg.loop};
	int ret;

	if (f->mapped[n] || !r.base)
		return;
	ret = bus_add(f->bus->cfg.bus, &r);
	if (!ret)
		f->mapped[n] = r.base;
	else if (ret != -EEXIST) /* that is the guest's own doing */
		log_warn_limited(&f->bus->log, 4, "PCI slot %u: BAR %u cannot be mapped: %s",
				 f->cfg.slot, 2 * n, strerror(-ret));
}

/* After a change of f's BARs or command register. What goes may have been in another one's way. */
static void bars_update(struct pci_function *f)
{
	struct pci_bus *b = f->bus;
	bool moved = false;

	for (unsigned n = 0; n < PCI_BARS; n++) {
		if (f->mapped[n] == bar_wanted(f, n))
			continue;
		bar_unmap(f, n);
		moved = true;
	}
	for (unsigned s = 0; moved && s < PCI_SLOTS; s++)
		for (unsigned n = 0; b->slot[s] && n < PCI_BARS; n++)
			bar_map(b->slot[s], n);
}

bool pci_bar_access(struct pci_function *f, unsigned number, struct bus_access *a)
{
	const struct pci_bar *bar = &f->bar[number / 2 % PCI_BARS];
	enum bus_result r = BUS_POST;

	if (number % 2 || number / 2 >= PCI_BARS || bar->size < a->size ||
	    a->offset > bar->size - a->size)
		return false;
	if (bar->direct)
		r = a->is_write ? bar->direct->write(bar->dev, a->offset, a->size, a->value)
				: bar->direct->read(bar->dev, a->offset, a->size, &a->value);
	if (r == BUS_POST && bar->posted)
		r = bar->posted->access(bar->dev, a);
	return r == BUS_OK;
}

/* ---- configuration space ---- */

static struct pci_function *function_at(struct pci_bus *b, uint64_t offset)
{
	struct pci_function *f;

	if (offset >= PCI_ECAM_BUS || offset >> 12 & 7)
		return NULL;
	f = b->slot[offset >> SLOT_SHIFT];
	return f && !atomic_load(&f->gone) ? f : NULL;
}

static bool touches(unsigned reg, unsigned size, unsigned at, unsigned len)
{
	return reg < at + len && at < reg + size;
}

static uint32_t word_read(const struct pci_function *f, unsigned i)
{
	uint32_t v;

	if (i >= PCI_HEADER_WORDS)
		return 0;
	v = atomic_load(&f->word[i]);
	if (i == PCI_COMMAND / 4 && atomic_load(&f->intx) & INTX_RAISED)
		v |= STATUS_INTX;
	return v;
}

/* An access may begin anywhere and end in the next word, or behind the function. */
static uint64_t bytes_read(const struct pci_function *f, unsigned reg, unsigned size)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < size; i++, reg++)
		v |= (uint64_t)(word_read(f, reg / 4) >> 8 * (reg % 4) & 0xff) << 8 * i;
	return v;
}

static void bytes_write(struct pci_function *f, unsigned reg, unsigned size, uint64_t v)
{
	for (unsigned i = 0; i < size && reg / 4 < PCI_HEADER_WORDS; i++, reg++, v >>= 8) {
		uint32_t bits = f->writable[reg / 4] & 0xffu << 8 * (reg % 4);
		uint32_t old = atomic_load(&f->word[reg / 4]);

		atomic_store(&f->word[reg / 4],
			     (old & ~bits) | ((uint32_t)(v & 0xff) << 8 * (reg % 4) & bits));
	}
}

enum bus_result pci_config_read(struct pci_bus *b, uint64_t offset, unsigned size, uint64_t *value)
{
	const struct pci_function *f = function_at(b, offset);
	unsigned reg = (unsigned)offset % PCI_CONFIG_SIZE;

	if (!f)
		*value = ~0ull;
	else if (f->portal && touches(reg, size, f->portal, 4))
		return BUS_POST;
	else
		*value = bytes_read(f, reg, size);
	return BUS_OK;
}

static void config_write(struct pci_function *f, unsigned reg, unsigned size, uint64_t value)
{
	bytes_write(f, reg, size, value);
	if (touches(reg, size, PCI_COMMAND, 2) || (f->msix.n && touches(reg, size, f->msix.at, 4)))
		interrupts_update(f);
	if (touches(reg, size, PCI_COMMAND, 2) || touches(reg, size, BAR0, 8 * PCI_BARS))
		bars_update(f);
	if (f->portal && touches(reg, size, f->portal, 4))
		f->cfg.portal_written(f->cfg.portal_dev, pci_config_word(f, f->portal));
}

void pci_config_access(struct pci_bus *b, struct bus_access *a)
{
	struct pci_function *f = function_at(b, a->offset);
	unsigned reg = (unsigned)a->offset % PCI_CONFIG_SIZE;

	if (!f) {
		a->value = ~0ull;
		return;
	}
	if (a->is_write) {
		config_write(f, reg, a->size, a->value);
		return;
	}
	if (f->portal && touches(reg, a->size, f->portal, 4))
		atomic_store(&f->word[f->portal / 4], f->cfg.portal_read(f->cfg.portal_dev));
	a->value = bytes_read(f, reg, a->size);
}

unsigned pci_capability_add(struct pci_function *f, uint8_t id, const void *body, unsigned len,
			    const void *writable)
{
	uint8_t bytes[PCI_HEADER_WORDS * 4] = {id, 0};
	uint8_t mask[sizeof(bytes)] = {0};
	unsigned at = f->caps_end;
	unsigned n_words = (len + 2 + 3) / 4;

	memcpy(bytes + 2, body, len);
	if (writable)
		memcpy(mask + 2, writable, len);
	for (unsigned i = 0; i < n_words; i++) {
		atomic_store(&f->word[at / 4 + i], le32_load(bytes + 4ul * i));
		f->writable[at / 4 + i] = le32_load(mask + 4ul * i);
	}
	if (f->last_cap)
		atomic_fetch_or(&f->word[f->last_cap / 4], at << 8);
	else
		atomic_store(&f->word[CAPS / 4], at);
	atomic_fetch_or(&f->word[PCI_COMMAND / 4], STATUS_CAPS);
	f->last_cap = at;
	f->caps_end = at + 4 * n_words;
	return at;
}

void pci_portal(struct pci_function *f, unsigned at)
{
	f->portal = at;
}

/* ---- making and freeing ---- */

static void header_init(struct pci_function *f)
{
	const struct pci_function_config *c = &f->cfg;

	f->word[ID / 4] = c->vendor | (uint32_t)c->device << 16;
	f->word[CLASS_REVISION / 4] = c->revision | c->class_code << 8;
	f->word[SUBSYSTEM / 4] = c->subsystem_vendor | (uint32_t)c->subsystem << 16;
	f->word[INTERRUPT / 4] = PIN_A;
	f->writable[INTERRUPT / 4] = 0xff; /* the line, which is only software's */
	f->writable[PCI_COMMAND / 4] = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER |
				       PCI_COMMAND_NO_INTX;
	for (unsigned n = 0; n < PCI_BARS; n++) {
		uint64_t mask = ~(f->bar[n].size - 1);

		if (!f->bar[n].size)
			continue;
		f->word[BAR0 / 4 + 2 * n] = BAR_64;
		f->writable[BAR0 / 4 + 2 * n] = (uint32_t)mask;
		f->writable[BAR0 / 4 + 2 * n + 1] = (uint32_t)(mask >> 32);
	}
	f->caps_end = HEADER_END;
}

static bool config_is_valid(const struct pci_function_config *c)
{
	for (unsigned i = 0; i < ARRAY_SIZE(c->bar); i++)
		if (c->bar[i].size &&
		    (c->bar[i].size < BAR_MIN || !is_power_of_two(c->bar[i].size)))
			return false;
	return c->slot < PCI_SLOTS && c->n_vectors <= PCI_VECTORS_MAX;
}

int pci_function_new(struct pci_bus *b, const struct pci_function_config *cfg,
		     struct pci_function **out)
{
	struct pci_function *f;
	bool msix = cfg->n_vectors && b->cfg.msi.send;

	if (!config_is_valid(cfg))
		return -EINVAL;
	if (b->slot[cfg->slot])
		return -EEXIST;
	f = calloc(1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	f->bus = b;
	f->cfg = *cfg;
	memcpy(f->bar, cfg->bar, sizeof(cfg->bar));
	if (msix)
		pci_msix_init(f, cfg->n_vectors, &f->bar[PCI_BARS - 1]);
	header_init(f);
	if (msix)
		pci_msix_capability(f, 2 * (PCI_BARS - 1));
	b->slot[cfg->slot] = f;
	*out = f;
	return 0;
}

void pci_function_free(struct pci_function *f)
{
	if (!f)
		return;
	for (unsigned n = 0; n < PCI_BARS; n++)
		bar_unmap(f, n);
	f->bus->slot[f->cfg.slot] = NULL;
	pci_msix_fini(f);
	free(f);
}
