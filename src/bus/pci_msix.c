/* SPDX-License-Identifier: MIT */
/*
 * MSI-X (PCI 3.0, 6.8.2): a table with a message for each vector and an array of pending bits, in
 * one page behind a BAR of its own.
 *
 * A vector that is to be sent is first made pending, and then all that are pending and not held
 * back are sent: so it is with an interrupt that comes, an entry that is unmasked, and a function
 * that is. One leaf lock guards table and bits; messages are sent outside of it, each by the one
 * who has taken its bit.
 */
#include "bus/pci_impl.h"

#include "base/bits.h"

#define PAGE      0x1000u
#define ENTRY     16u
#define PBA       0x800u
#define MASKED    1u /* of an entry's vector control */
#define CONTROL   2u /* in the capability */
#define CTRL_ON   0x8000u
#define CTRL_MASK 0x4000u

/* Takes the pending bit of a vector that may be sent. Under the lock. */
static bool take(struct pci_msix *m, struct pci_msix_entry *out)
{
	if (!atomic_load(&m->on) || atomic_load(&m->held))
		return false;
	for (unsigned v = 0; v < m->n; v++) {
		if (!(m->pending[v / 64] & BIT(v % 64)) || m->entry[v].masked)
			continue;
		m->pending[v / 64] &= ~BIT(v % 64);
		*out = m->entry[v];
		return true;
	}
	return false;
}

static void send_pending(struct pci_function *f)
{
	struct msi_sink sink = pci_msi_sink(f);
	struct pci_msix_entry e;
	bool more = true;

	while (more) {
		pthread_mutex_lock(&f->msix.lock);
		more = take(&f->msix, &e);
		pthread_mutex_unlock(&f->msix.lock);
		if (more)
			sink.send(sink.controller, e.addr, e.data);
	}
}

void pci_msix_send(struct pci_function *f, unsigned vector)
{
	struct pci_msix *m = &f->msix;

	if (vector >= m->n || !atomic_load(&m->on) || atomic_load(&f->gone))
		return;
	pthread_mutex_lock(&m->lock);
	m->pending[vector / 64] |= BIT(vector % 64);
	pthread_mutex_unlock(&m->lock);
	send_pending(f);
}

/* ---- the table ---- */

static uint32_t read_word(const struct pci_msix *m, unsigned at)
{
	const struct pci_msix_entry *e = &m->entry[at / ENTRY % PCI_VECTORS_MAX];

	if (at >= PBA && at < PBA + sizeof(m->pending))
		return (uint32_t)(m->pending[(at - PBA) / 8] >> 8 * (at % 8));
	if (at >= m->n * ENTRY)
		return 0;
	switch (at % ENTRY) {
	case 0: return (uint32_t)e->addr;
	case 4: return (uint32_t)(e->addr >> 32);
	case 8: return e->data;
	default: return e->masked ? MASKED : 0;
	}
}

static void write_word(struct pci_msix *m, unsigned at, uint32_t v)
{
	struct pci_msix_entry *e = &m->entry[at / ENTRY % PCI_VECTORS_MAX];

	if (at >= m->n * ENTRY)
		return;
	switch (at % ENTRY) {
	case 0: e->addr = (e->addr & ~(uint64_t)UINT32_MAX) | (v & ~3u); break;
	case 4: e->addr = (e->addr & UINT32_MAX) | (uint64_t)v << 32; break;
	case 8: e->data = v; break;
	default: e->masked = v & MASKED; break;
	}
}

/* 6.8.2: words and double words only. */
static bool is_aligned(uint64_t offset, unsigned size)
{
	return size >= 4 && offset % size == 0;
}

static enum bus_result table_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
	struct pci_function *f = dev;

	if (!is_aligned(offset, size))
		return BUS_OK;
	pthread_mutex_lock(&f->msix.lock);
	*value = read_word(&f->msix, (unsigned)offset);
	if (size == 8)
		*value |= (uint64_t)read_word(&f->msix, (unsigned)offset + 4) << 32;
	pthread_mutex_unlock(&f->msix.lock);
	return BUS_OK;
}

static enum bus_result table_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
	struct pci_function *f = dev;

	if (!is_aligned(offset, size))
		return BUS_OK;
	pthread_mutex_lock(&f->msix.lock);
	write_word(&f->msix, (unsigned)offset, (uint32_t)value);
	if (size == 8)
		write_word(&f->msix, (unsigned)offset + 4, (uint32_t)(value >> 32));
	pthread_mutex_unlock(&f->msix.lock);
	send_pending(f);
	return BUS_OK;
}

static const struct bus_direct_ops table_ops = {.read = table_read, .write = table_write};

/* ---- the capability ---- */

void pci_msix_init(struct pci_function *f, unsigned n, struct pci_bar *bar)
{
	f->msix.n = n;
	pthread_mutex_init(&f->msix.lock, NULL);
	for (unsigned i = 0; i < n; i++)
		f->msix.entry[i].masked = true;
	*bar = (struct pci_bar){.size = PAGE, .name = "msi-x", .dev = f, .direct = &table_ops};
}

void pci_msix_capability(struct pci_function *f, unsigned number)
{
	const uint8_t body[] = {(uint8_t)(f->msix.n - 1),
				0,
				(uint8_t)number, /* and the table's offset, 0 */
				0,
				0,
				0,
				(uint8_t)number, /* and that of the pending bits */
				PBA >> 8,
				0,
				0};
	static const uint8_t writable[sizeof(body)] = {0, (CTRL_ON | CTRL_MASK) >> 8};

	f->msix.at = pci_capability_add(f, PCI_CAP_MSIX, body, sizeof(body), writable);
}

void pci_msix_fini(struct pci_function *f)
{
	if (f->msix.n)
		pthread_mutex_destroy(&f->msix.lock);
}

void pci_msix_update(struct pci_function *f)
{
	struct pci_msix *m = &f->msix;
	uint32_t control;

	if (!m->n)
		return;
	control = pci_config_word(f, m->at) >> 8 * CONTROL;
	atomic_store(&m->held, control & CTRL_MASK ||
				       !(pci_config_word(f, PCI_COMMAND) & PCI_COMMAND_MASTER));
	atomic_store(&m->on, control & CTRL_ON);
	if (!(control & CTRL_ON)) {
		pthread_mutex_lock(&m->lock);
		for (unsigned i = 0; i < ARRAY_SIZE(m->pending); i++)
			m->pending[i] = 0;
		pthread_mutex_unlock(&m->lock);
	}
	send_pending(f);
}

unsigned pci_msix_vectors(const struct pci_function *f)
{
	return f->msix.n;
}

bool pci_msix_enabled(const struct pci_function *f)
{
	return atomic_load(&f->msix.on);
}
