/* SPDX-License-Identifier: MIT */
/* A hash table with chains; an entry's number is its place in an array, and 0 is nobody. */
#include "backend/mac_table.h"

#include <stdbool.h>
#include <string.h>

/* FNV-1a. Whoever makes addresses fall into one bucket gains little: a port has few entries. */
static unsigned bucket_of(const uint8_t mac[6])
{
	uint32_t h = 2166136261u;

	for (unsigned i = 0; i < 6; i++)
		h = (h ^ mac[i]) * 16777619u;
	return (h ^ h >> 16) % MAC_TABLE_SIZE;
}

void mac_table_init(struct mac_table *t)
{
	memset(t, 0, sizeof(*t));
	for (unsigned i = MAC_TABLE_SIZE; i; i--) {
		t->entry[i].next = t->free;
		t->free = (uint16_t)i;
	}
}

static unsigned find(const struct mac_table *t, const uint8_t mac[6])
{
	unsigned i = t->bucket[bucket_of(mac)];

	while (i && memcmp(t->entry[i].mac, mac, 6) != 0)
		i = t->entry[i].next;
	return i;
}

static void remove_entry(struct mac_table *t, uint16_t *link)
{
	unsigned i = *link;
	struct mac_entry *e = &t->entry[i];

	*link = e->next;
	t->of_port[e->port]--;
	e->next = t->free;
	t->free = (uint16_t)i;
}

static bool is_old(const struct mac_entry *e, uint64_t now_ns)
{
	return now_ns - e->seen_ns >= MAC_TABLE_AGE_NS;
}

void mac_table_learn(struct mac_table *t, const uint8_t mac[6], unsigned port, uint64_t now_ns)
{
	unsigned i = find(t, mac);
	struct mac_entry *e = &t->entry[i];

	if (i && e->port == port) {
		e->seen_ns = now_ns;
		return;
	}
	if (t->of_port[port] == MAC_TABLE_PORT_MAX || (!i && !t->free))
		return;
	if (i) { /* it has moved */
		t->of_port[e->port]--;
	} else {
		uint16_t *bucket = &t->bucket[bucket_of(mac)];

		i = t->free;
		e = &t->entry[i];
		t->free = e->next;
		memcpy(e->mac, mac, 6);
		e->next = *bucket;
		*bucket = (uint16_t)i;
	}
	e->port = (uint16_t)port;
	e->seen_ns = now_ns;
	t->of_port[port]++;
}

int mac_table_find(const struct mac_table *t, const uint8_t mac[6], uint64_t now_ns)
{
	unsigned i = find(t, mac);

	return i && !is_old(&t->entry[i], now_ns) ? t->entry[i].port : -1;
}

void mac_table_age(struct mac_table *t, uint64_t now_ns)
{
	for (unsigned b = 0; b < MAC_TABLE_SIZE; b++)
		for (uint16_t *link = &t->bucket[b]; *link;) {
			if (is_old(&t->entry[*link], now_ns))
				remove_entry(t, link);
			else
				link = &t->entry[*link].next;
		}
}

void mac_table_forget(struct mac_table *t, unsigned port)
{
	for (unsigned b = 0; b < MAC_TABLE_SIZE && t->of_port[port]; b++)
		for (uint16_t *link = &t->bucket[b]; *link;) {
			if (t->entry[*link].port == port)
				remove_entry(t, link);
			else
				link = &t->entry[*link].next;
		}
}

unsigned mac_table_count(const struct mac_table *t)
{
	unsigned n = 0;

	for (unsigned i = 0; i < MAC_TABLE_PORTS; i++)
		n += t->of_port[i];
	return n;
}
