/* SPDX-License-Identifier: MIT */
/*
 * RPMsg with one thing wrong, for the small core (board/no_link.c) and for a program in Linux'
 * place (big/no_link.c, built once for each). The big core says in memory what is to be wrong.
 */
#ifndef NO_LINK_H
#define NO_LINK_H

#define NO_LINK_WORD  0x8ffff000u /* in the small core's memory: the fault, + 1 */
#define NO_LINK_OTHER 0x8fd00000u /* where rings are that are not where others look */

enum no_link {
	NO_LINK_NONE,
	NO_LINK_EARLY,
	NO_LINK_ADDRESS_SMALL, /* the small core looks elsewhere, ... */
	NO_LINK_ADDRESS_BIG,   /* ... Linux is elsewhere */
	NO_LINK_ALIGN,
	NO_LINK_FEWER,
	NO_LINK_MORE,
	NO_LINK_COUNT,
	NO_LINK_STALE_SMALL,
	NO_LINK_STALE_BIG,
	NO_LINK_STALE_BOTH, /* with a firmware of ours */
	NO_LINK_EN,
	NO_LINK_INT_MASK,
	NO_LINK_LOST,
	NO_LINK_PLIC,
	NO_LINK_PRIORITY,
	NO_LINK_CLAIMED,
	NO_LINK_MIE,
	NO_LINK_NO_KICK_BIG,
	NO_LINK_NO_KICK_SMALL,
	NO_LINK_DEAF_BIG,
	NO_LINK_UNREAD,
	NO_LINK_SILENT,
	NO_LINK_CRASH,
	NO_LINK_NO_RINGS,
};

#endif
