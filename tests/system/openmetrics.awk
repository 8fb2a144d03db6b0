# SPDX-License-Identifier: MIT
# Checks an OpenMetrics 1.0 text in which all metrics are counters. Exit 1 with the reason at the first
# thing that is wrong with it.

function wrong(why) {
	print "line " NR ": " why ": " $0
	failed = 1
	exit 1
}

ended { wrong("something behind # EOF") }

$0 == "# EOF" { ended = 1; next }

/^# TYPE / {
	if (NF != 4 || $3 !~ /^[a-zA-Z_:][a-zA-Z0-9_:]*$/) wrong("no metric's name")
	if ($4 != "counter") wrong("another type")
	if ($3 in known) wrong("a metric twice, or in two pieces")
	known[$3] = 1
	family = $3
	samples[family] = 0
	next
}

/^# (UNIT|HELP) / {
	if ($3 != family) wrong("of another metric than the TYPE before it")
	if (samples[family]) wrong("behind samples")
	if (($2, $3) in said) wrong("said twice")
	said[$2, $3] = 1
	if ($2 == "UNIT" && substr($3, length($3) - length($4)) != "_" $4) wrong("a name without its unit")
	if ($2 == "HELP" && NF < 4) wrong("no help")
	next
}

/^#/ || /^$/ { wrong("neither a descriptor nor a sample") }

{
	label = "[a-zA-Z_][a-zA-Z0-9_]*=\"[^\"\\\\]*\""
	if ($0 !~ "^" family "_total([{]" label "(," label ")*[}])? [0-9]+([.][0-9]+)?$") wrong("no sample of " family)
	name = $0
	sub(/ [^ ]*$/, "", name)
	if (name in seen) wrong("a sample twice")
	seen[name] = 1
	samples[family]++
}

END {
	if (failed) exit 1
	for (f in samples)
		if (!samples[f]) { print f ": no samples"; exit 1 }
	if (!ended) { print "no # EOF at the end"; exit 1 }
	if (!NR) exit 1
}
