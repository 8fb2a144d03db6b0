/* SPDX-License-Identifier: MIT */
/*
 * Where in a JSON text a value stands: a second look at the text, taken once something is found to
 * be wrong with a value, since the parser keeps no positions. Pure functions: any thread.
 */
#ifndef CMD_CONFIG_PLACE_H
#define CMD_CONFIG_PLACE_H

#include <stdbool.h>
#include <stddef.h>

#define CONFIG_PLACE_DEPTH 4

/* The way from the outermost object to a value: which of its members, or elements, from 0 on, then
 * which of that one's, and so on. */
struct config_place {
	unsigned step[CONFIG_PLACE_DEPTH];
	unsigned n;
	bool at_key; /* the last member's key is meant, not its value */
};

/* The place one step further in. */
struct config_place config_place_in(struct config_place p, unsigned step);

/* The offset of the place. `text` must be good JSON and the place be in it; if not, what is
 * returned is some offset in 0..len. */
size_t config_place_find(const char *text, size_t len, const struct config_place *p);

/* The line and column of an offset, both from 1 on; columns count characters of UTF-8. */
void config_place_line(const char *text, size_t offset, unsigned *line, unsigned *column);

#endif
