// SPDX-License-Identifier: GPL-2.0
#include "agent.h"

static const char *const names[XO_AGENTS] = {
	[XO_MCTS] = "mcts", [XO_NEGAMAX] = "negamax", [XO_TD] = "td", [XO_RANDOM] = "random"};

const char *xo_agent_name(enum xo_agent agent)
{
	return names[agent];
}

int xo_agent_find(const char *name)
{
	for (int i = 0; i < XO_AGENTS; i++) {
		const char *a = names[i], *b = name;

		while (*a && *a == *b) {
			a++;
			b++;
		}
		if (*a == *b)
			return i;
	}
	return -1;
}

unsigned int xo_pick(struct xo_search *s, uint16_t set)
{
	unsigned int n = xo_count(set);
	unsigned int skip = (unsigned int)((xo_random(s) >> 32) * n >> 32);

	while (skip--)
		set &= (uint16_t)(set - 1);
	return xo_first(set);
}

int xo_choose(enum xo_agent agent, const struct xo_board *b, struct xo_search *s)
{
	s->since = 0;
	s->stopped = false;
	switch (agent) {
	case XO_MCTS:
		return xo_mcts(b, s);
	case XO_NEGAMAX:
		return xo_negamax(b, s);
	case XO_TD:
		return xo_td(b, s);
	default:
		return (int)xo_pick(s, xo_free(b));
	}
}
