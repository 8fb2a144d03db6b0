# SPDX-License-Identifier: MIT
# For check-coverage.sh: reads coverage-floors.txt, then gcovr's table (path, lines, executed, ...).
function percent(part, whole)
{
	return whole ? 100 * part / whole : 100
}

function below(what, share, floor, missed)
{
	printf "below: %s: %.1f %%, the floor is %d %% (%d lines missed)\n", what, share, floor, missed
	failed = 1
}

function wrong(line, text)
{
	printf "tools/coverage-floors.txt:%d: %s\n", line, text
	failed = 1
}

FNR == NR {
	if (/^#/ || NF == 0)
		next
	at[$1] = FNR
	floor[$1] = $2
	each[$1] = $3
	if ($2 == "system" && NF < 3)
		wrong(FNR, "an entry without a reason")
	next
}

FNR == 1 { next } # the names of the columns

{
	split($1, part, "/")
	layer = part[2]
	seen[layer] = seen[$1] = 1
	if (!(layer in at)) {
		print "tools/coverage-floors.txt: no floor for " layer
		at[layer] = failed = 1
	}
	share = percent($3, $2)
	if (floor[$1] == "system") {
		if (share >= floor[layer])
			wrong(at[$1], "no longer needed: unit tests reach " $1)
		next
	}
	lines[layer] += $2
	executed[layer] += $3
	least = $1 in at ? floor[$1] : each[layer]
	if (share < least)
		below($1, share, least, $2 - $3)
	if (share < floor[layer])
		weak[layer] = weak[layer] sprintf("below: %s: %.1f %% (%d lines missed)\n", $1, share, $2 - $3)
}

END {
	for (layer in lines) {
		share = percent(executed[layer], lines[layer])
		printf "%-10s %5d lines %5.1f %%\n", layer, lines[layer], share | "sort"
		if (share < floor[layer])
			poor[layer] = share
	}
	close("sort")
	for (layer in poor) {
		below("layer " layer, poor[layer], floor[layer], lines[layer] - executed[layer])
		printf "%s", weak[layer]
	}
	for (name in at)
		if (!(name in seen))
			wrong(at[name], "no longer needed: no line of " name " was compiled")
	exit failed
}
