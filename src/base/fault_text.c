/* SPDX-License-Identifier: MIT */
/*
 * Rules as text: DEVICE:OPERATION, then words and key=value in any order. What a word means alone
 * is noted first; what depends on several of them (which fault, whether the clock asks) is settled
 * at the end. Each refusal names the rule, the word and the cure.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/fault.h"
#include "base/fault_rule.h"
#include "base/opt.h"

#define TEXT_MAX 120
#define TIME_MAX (24ull * 3600 * 1000000000) /* ns */

static const char *const op_names[FAULT_N_OPS + 1] = {
	[FAULT_READ] = "read", [FAULT_WRITE] = "write",  [FAULT_FLUSH] = "flush",
	[FAULT_TX] = "tx",     [FAULT_RX] = "rx",        [FAULT_IRQ] = "irq",
	[FAULT_GONE] = "gone", [FAULT_BROKEN] = "broken"};

/* By bit of enum fault_what. */
static const char *const what_names[] = {"error",   "delay", "short",    "drop",
					 "corrupt", "lost",  "spurious", NULL};

#define N_WORDS (ARRAY_SIZE(what_names) - 1)

/* What is being read. */
struct reading {
	struct fault_rule *rule;
	const char *label, *text; /* for messages */
	struct err *e;
	uint64_t nth, after; /* as counts */
	uint64_t seed;
};

/* ---- lists for messages ---- */

static void join(char *out, size_t room, const char *word)
{
	size_t len = strlen(out);

	(void)snprintf(out + len, room - len, "%s%s", len ? ", " : "", word);
}

static void join_ops(char *out, size_t room, const struct fault_kind *kind)
{
	*out = '\0';
	for (unsigned op = 0; op < FAULT_N_OPS; op++)
		if (kind->what[op])
			join(out, room, op_names[op]);
}

static void join_whats(char *out, size_t room, unsigned what)
{
	*out = '\0';
	for (unsigned i = 0; i < N_WORDS; i++)
		if (what & BIT(i))
			join(out, room, BIT(i) == FAULT_DELAY ? "delay=TIME" : what_names[i]);
}

static int refuse(const struct reading *in, const char *item, const char *cure)
{
	return err_set(in->e, -EINVAL, "%s%s: %.60s: %s", in->label, in->text, item, cure);
}

/* ---- values ---- */

/* Digits at *text, which moves behind them. -EINVAL: none, or too many. */
static int scan_digits(const char **text, uint64_t *out)
{
	const char *p = *text;
	uint64_t v = 0;

	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (unsigned)(*p - '0'), &v))
			return -EINVAL;
	if (p == *text)
		return -EINVAL;
	*text = p;
	*out = v;
	return 0;
}

/* "200ms": 0 and the time in ns; "200": 0 and the count; the other one is 0. */
static int scan_time_or_count(const char *text, uint64_t *ns, uint64_t *count)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {{"us", 1000}, {"ms", 1000000}, {"s", 1000000000}, {"min", 60000000000ull}};
	uint64_t v;

	*ns = 0;
	*count = 0;
	if (scan_digits(&text, &v) || !v)
		return -EINVAL;
	if (!*text) {
		*count = v;
		return 0;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(units); i++) {
		if (strcmp(text, units[i].name))
			continue;
		if (v > TIME_MAX / units[i].ns)
			return -EINVAL;
		*ns = v * units[i].ns;
		return 0;
	}
	return -EINVAL;
}

/* "0.25" in units of 2^-32, at least one of them. */
static int scan_chance(const char *text, uint64_t *out)
{
	uint64_t whole = 0, part = 0, scale = 1;

	if (*text != '.' && scan_digits(&text, &whole))
		return -EINVAL;
	if (*text == '.') {
		const char *begin = ++text;

		if (scan_digits(&text, &part) || text - begin > 9)
			return -EINVAL;
		for (; begin < text; begin++)
			scale *= 10;
	}
	if (*text || whole > 1 || (whole == 1 && part) || (!whole && !part))
		return -EINVAL;
	*out = whole ? BIT(32) : max_u64((part << 32) / scale, 1);
	return 0;
}

/* ---- words ---- */

static int set_what(struct reading *in, const char *item, unsigned what)
{
	struct fault_rule *r = in->rule;
	unsigned possible = r->device->kind->what[r->op];
	char list[120], cure[200];

	if (possible == FAULT_HAPPENS)
		return refuse(in, item, "the operation says already what happens; leave it out");
	if (r->what)
		return refuse(in, item, "one rule is for one fault; give --fault again for more");
	if (!(what & possible)) {
		join_whats(list, sizeof(list), possible);
		(void)snprintf(cure, sizeof(cure), "not a fault of %s; use %s", op_names[r->op],
			       list);
		return refuse(in, item, cure);
	}
	r->what = what;
	return 0;
}

static int set_delay(struct reading *in, const char *item, const char *value)
{
	uint64_t count;

	if (scan_time_or_count(value, &in->rule->delay_ns, &count) || count)
		return refuse(in, item, "give a time with its unit (us, ms, s, min): delay=200ms");
	return set_what(in, item, FAULT_DELAY);
}

static int set_every(struct reading *in, const char *item, const char *value)
{
	uint64_t ns, count;

	if (scan_time_or_count(value, &ns, &count))
		return refuse(in, item, "give a count, every=3, or a time, every=10ms");
	if (ns)
		in->rule->period_ns = ns;
	else
		in->rule->every = count;
	return 0;
}

static int set_after(struct reading *in, const char *item, const char *value)
{
	uint64_t ns, count;

	if (scan_time_or_count(value, &ns, &count))
		return refuse(in, item, "give a count, after=100, or a time, after=2s");
	if (ns)
		in->rule->after_ns = ns;
	else
		in->after = count;
	return 0;
}

static int set_p(struct reading *in, const char *item, const char *value)
{
	if (scan_chance(value, &in->rule->chance))
		return refuse(in, item, "give a probability above 0 and up to 1: p=0.1");
	return 0;
}

static int set_count(struct reading *in, const char *item, const char *value, uint64_t *out)
{
	uint64_t ns;

	if (scan_time_or_count(value, &ns, out) || ns)
		return refuse(in, item, "give a count from 1 on");
	return 0;
}

static int set_nth(struct reading *in, const char *item, const char *value)
{
	in->rule->times = 1;
	return set_count(in, item, value, &in->nth);
}

static int set_times(struct reading *in, const char *item, const char *value)
{
	return set_count(in, item, value, &in->rule->times);
}

static int set_seed(struct reading *in, const char *item, const char *value)
{
	if (scan_digits(&value, &in->seed) || *value)
		return refuse(in, item, "give a whole number: seed=7");
	return 0;
}

static int set_sector(struct reading *in, const char *item, const char *value)
{
	struct fault_rule *r = in->rule;
	bool good;

	if (!r->device->kind->has_sectors || (r->op != FAULT_READ && r->op != FAULT_WRITE))
		return refuse(in, item, "only a disk's read and write have sectors");
	good = !scan_digits(&value, &r->first);
	r->last = r->first;
	if (good && *value == '-')
		good = value++ && !scan_digits(&value, &r->last);
	if (!good || *value || r->last < r->first)
		return refuse(in, item, "give sectors of 512 bytes: sector=8 or sector=8-15");
	return 0;
}

static const struct {
	const char *name;
	int (*set)(struct reading *in, const char *item, const char *value);
} keys[] = {{"delay", set_delay}, {"every", set_every},  {"after", set_after},
	    {"p", set_p},         {"nth", set_nth},      {"times", set_times},
	    {"seed", set_seed},   {"sector", set_sector}};

static int read_word(struct reading *in, const char *item)
{
	if (!strcmp(item, "once")) {
		in->rule->times = 1;
		return 0;
	}
	for (unsigned i = 0; i < N_WORDS; i++) {
		if (strcmp(item, what_names[i]))
			continue;
		if (BIT(i) == FAULT_DELAY)
			return refuse(in, item, "say how long: delay=200ms");
		return set_what(in, item, 1u << i);
	}
	return refuse(in, item, "unknown; see linnet run --fault help");
}

static int read_item(struct reading *in, const char *item)
{
	const char *value = strchr(item, '=');

	if (!value)
		return read_word(in, item);
	for (unsigned i = 0; i < ARRAY_SIZE(keys); i++)
		if (!strncmp(item, keys[i].name, (size_t)(value - item)) &&
		    !keys[i].name[value - item])
			return keys[i].set(in, item, value + 1);
	return refuse(in, item, "unknown; see linnet run --fault help");
}

/* ---- the whole ---- */

static int find_device(struct reading *in, struct fault_device *devices, const char *name)
{
	char list[200] = "";

	for (struct fault_device *d = devices; d; d = d->next) {
		if (!strcmp(d->name, name)) {
			in->rule->device = d;
			return 0;
		}
		join(list, sizeof(list), d->name);
	}
	return err_set(in->e, -EINVAL, "%s%s: there is no device %.40s; this machine has %s",
		       in->label, in->text, name, list);
}

static int find_op(struct reading *in, const char *name)
{
	const struct fault_kind *kind = in->rule->device->kind;
	char list[120], cure[200];

	for (unsigned op = 0; op < FAULT_N_OPS; op++) {
		if (!kind->what[op] || strcmp(op_names[op], name))
			continue;
		in->rule->op = op;
		if (kind->what[op] == FAULT_HAPPENS)
			in->rule->what = FAULT_HAPPENS;
		return 0;
	}
	join_ops(list, sizeof(list), kind);
	(void)snprintf(cure, sizeof(cure), "not an operation of %s; it has %s",
		       in->rule->device->name, list);
	return refuse(in, *name ? name : "''", cure);
}

/* Which fault, and who asks for it. */
static int settle(struct reading *in)
{
	struct fault_rule *r = in->rule;
	bool counted = r->every || in->nth || in->after || r->chance;
	char list[120], cure[200];

	if (!r->what) {
		join_whats(list, sizeof(list), r->device->kind->what[r->op]);
		(void)snprintf(cure, sizeof(cure), "and what is to happen? Add %s", list);
		return refuse(in, op_names[r->op], cure);
	}
	if (in->nth && r->every)
		return refuse(in, "nth", "every= goes on where nth= ends; give one of them");
	r->skip = in->after + (in->nth ? in->nth - 1 : 0);
	if (r->skip < in->after)
		return refuse(in, "after", "too many");
	r->random = in->seed;
	if (r->what == FAULT_SPURIOUS && !r->period_ns && !r->after_ns)
		return refuse(in, "spurious",
			      "only the clock brings it: add every=10ms or after=1s");
	if (r->period_ns && !(r->what & (FAULT_SPURIOUS | FAULT_HAPPENS)))
		return refuse(in, "every", "a fault of operations goes by their count: every=3");
	r->timed = r->what == FAULT_SPURIOUS || r->period_ns ||
		   (r->what == FAULT_HAPPENS && r->after_ns && !counted);
	return 0;
}

static int read_all(struct reading *in, struct fault_device *devices, char *text)
{
	char *rest = text, *first = strsep(&rest, ","), *op = strchr(first, ':');
	int ret;

	if (!op)
		return refuse(in, first, "give DEVICE:OPERATION first, such as disk0:read");
	*op++ = '\0';
	ret = find_device(in, devices, first);
	if (!ret)
		ret = find_op(in, op);
	while (rest && !ret)
		ret = read_item(in, strsep(&rest, ","));
	return ret ? ret : settle(in);
}

int fault_rule_parse(struct fault_rule *r, struct fault_device *devices, const char *label,
		     const char *text, struct err *e)
{
	struct reading in = {.rule = r, .label = label, .text = text, .e = e, .seed = 1};
	char *words;
	int ret;

	if (strlen(text) > TEXT_MAX)
		return err_set(e, -EINVAL, "%s%.40s...: too long; a rule has at most %d characters",
			       label, text, TEXT_MAX);
	r->last = UINT64_MAX;
	r->text = strdup(text);
	words = strdup(text);
	if (r->text && words)
		ret = read_all(&in, devices, words);
	else
		ret = err_set(e, -ENOMEM, "%s%s: out of memory", label, text);
	free(words);
	return ret;
}

/* ---- help ---- */

void faults_print_help(FILE *to, const struct fault_kind *const *kinds, unsigned n)
{
	char list[120];

	fprintf(to, "--fault DEVICE:OPERATION[,WHEN]...,WHAT\n\n"
		    "  DEVICE   OPERATION  WHAT\n");
	for (unsigned i = 0; i < n; i++) {
		for (unsigned op = 0; op < FAULT_N_OPS; op++) {
			if (!kinds[i]->what[op])
				continue;
			join_whats(list, sizeof(list), kinds[i]->what[op]);
			fprintf(to, "  %s0%*s%-9s  %s\n", kinds[i]->name,
				(int)(8 - strlen(kinds[i]->name)), "", op_names[op],
				*list ? list : "(nothing to add)");
		}
	}
	fprintf(to, "\n"
		    "  WHEN: each time, unless some of these are given\n"
		    "  once           the first time          nth=N    the Nth time only\n"
		    "  every=N        each Nth time           p=0.1    by chance, with seed=N\n"
		    "  after=N|TIME   not before that         times=N  at most N faults\n"
		    "  sector=N[-M]   of a disk's read, write: those that touch one of these\n"
		    "  every=TIME     by the clock: spurious, gone, broken\n"
		    "  TIME: 500us, 200ms, 2s, 1min\n\n"
		    "  disk0:write,every=3,error     net0:rx,p=0.1,seed=7,drop\n"
		    "  disk0:read,once,delay=200ms   rng0:gone,after=2s\n");
}
