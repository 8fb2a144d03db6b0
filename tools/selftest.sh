#!/bin/bash
# SPDX-License-Identifier: MIT
# Usage: tools/selftest.sh
# A check that cannot fail is worth nothing: each checker gets a small clean tree, which must pass,
# and then the same tree with one thing wrong, which must fail and say where.
set -u
tools=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
tree=$work/tree
failed=0
count=0

clean_tree() {
	[ ! -d "$tree" ] || find "$tree" -mindepth 1 -maxdepth 1 ! -name build -exec rm -rf {} +
	mkdir -p "$tree/src/base" "$tree/src/mem" "$tree/src/wire" "$tree/tools" "$tree/tests/unit/base" \
		"$tree/tests/fuzz/corpus"
	cp "$tools/../.clang-format" "$tools/../.clang-tidy" "$tree"
	cp "$tools/layers.txt" "$tools/cppcheck.txt" "$tree/tools"
	echo '# SPDX-License-Identifier: MIT' >"$tree/tools/budget-allow.txt"
	printf '/* SPDX-License-Identifier: MIT */\n#ifndef BASE_A_H\n#define BASE_A_H\n\nint a(int x);\n\n#endif\n' \
		>"$tree/src/base/a.h"
	printf '/* SPDX-License-Identifier: MIT */\n#include <stdint.h>\n' >"$tree/src/wire/w.h"
	cat >"$tree/src/base/a.c" <<'END'
/* SPDX-License-Identifier: MIT */
#include "base/a.h"

struct pair {
	const char *name;
	int value;
};

static const struct pair pairs[] = {{"one", 1}, {"two", 2}};

int a(int x)
{
	return pairs[x & 1].value;
}
END
	printf '/* SPDX-License-Identifier: MIT */\n#include "base/a.h"\n\nint m(void);\n\nint m(void)\n{\n\treturn a(1);\n}\n' \
		>"$tree/src/mem/m.c"
	printf '#!/bin/sh\n# SPDX-License-Identifier: MIT\necho hello\n' >"$tree/tools/hello.sh"
	cat >"$tree/meson.build" <<'END'
# SPDX-License-Identifier: MIT
project('t', 'c', default_options: ['c_std=gnu11', 'optimization=2'])
static_library('base', 'src/base/a.c', 'src/mem/m.c', include_directories: 'src')
END
}

complain() { # text
	echo "$checker: $1"
	sed 's/^/    /' "$work/out"
	failed=1
}

passes() {
	count=$((count + 1))
	(cd "$tree" && "$tools/$checker" "$@") >"$work/out" 2>&1 || complain 'fails on a clean tree'
}

# The last thing done to the tree must be found, and the output match a regular expression.
fails() { # regex, arguments
	local regex=$1
	shift
	count=$((count + 1))
	if (cd "$tree" && "$tools/$checker" "$@") >"$work/out" 2>&1; then
		complain "passes where it should say: $regex"
	elif ! grep -qE "$regex" "$work/out"; then
		complain "fails but does not say: $regex"
	fi
	clean_tree
}

build_tree() { # compiler, options of meson
	rm -rf "$tree/build"
	{ (cd "$tree" && CC=$1 meson setup "$tree/build" "${@:2}") && ninja -C "$tree/build"; } >"$work/out" 2>&1 || {
		cat "$work/out"
		exit 1
	}
}

rebuild() {
	ninja -C "$tree/build" >"$work/out" 2>&1 || complain 'the sample does not compile'
}

lines() { # count
	yes '	;' | head -n "$1"
}

clean_tree

checker=check-layers.sh
passes .
echo '#include "mem/m.h"' >>"$tree/src/base/a.c"
fails '^src/base/a.c:15: .*base may not include mem' .
printf '#include "../mem/m.h"\n' >>"$tree/src/base/a.h"
fails '^src/base/a.h:8: .*climbs' .
mkdir "$tree/src/extra" && echo >"$tree/src/extra/e.c"
fails '^src/extra/e.c:1: .*"extra" is not in' .
echo >"$tree/src/loose.c"
fails '^src/loose.c:1' .
echo '#include <stdio.h>' >>"$tree/src/wire/w.h"
fails '^src/wire/w.h:3: .*freestanding' .
echo '#include "a.h"' >>"$tree/src/base/a.c"
fails '^src/base/a.c:15: .*path from src' .
echo '  #  include <base/a.h>' >>"$tree/src/mem/m.c"
fails '^src/mem/m.c:10: .*in quotes' .
printf '#include "mem/m.h"\n' >"$tree/tests/unit/base/t.c"
fails '^tests/unit/base/t.c:1: .*base may not include mem' .
printf '#include "nothere.h"\n' >"$tree/tests/unit/base/t.c"
fails '^tests/unit/base/t.c:1: .*no such file' .
mkdir "$tree/tests/unit/lib"
printf '#include "mem/m.h"\n' >"$tree/tests/unit/lib/l.h"
printf '#include "lib/l.h"\n' >"$tree/tests/unit/base/t.c"
passes .
echo '#include "lib/l.h"' >>"$tree/src/base/a.c"
fails '^src/base/a.c:15: .*base may not include lib' .
mkdir -p "$tree/guest/drivers/d/part" "$tree/guest/drivers/e"
echo '#include "part/p.h"' >"$tree/guest/drivers/d/part/p.c"
echo >"$tree/guest/drivers/d/part/p.h"
passes .
echo '#include "part/p.h"' >"$tree/guest/drivers/e/e.c"
fails '^guest/drivers/e/e.c:1: .*no folder "part"' .
mkdir -p "$tree/guest/firmware/k" "$tree/guest/firmware/a"
echo >"$tree/guest/firmware/k/k.h"
echo '#include "k/k.h"' >"$tree/guest/firmware/a/a.c"
passes .
echo '#include "k/none.h"' >"$tree/guest/firmware/a/a.c"
fails '^guest/firmware/a/a.c:1: .*no folder "k"' .

checker=check-budget.sh
build_tree gcc
passes . build
lines 600 >>"$tree/src/base/a.h"
fails 'src/base/a.h: .*600 lines' .
{ echo 'void long_one(void)' && echo '{' && lines 58 && echo '}'; } >>"$tree/src/base/a.h"
fails 'src/base/a.h: long_one: 61 lines' .
{ echo 'void just_right(void)' && echo '{' && lines 57 && echo '}'; } >>"$tree/src/base/a.h"
passes .
clean_tree
echo 'file src/base/a.h it had a reason once' >>"$tree/tools/budget-allow.txt"
fails 'budget-allow.txt:2: no longer needed' .
lines 600 >>"$tree/src/base/a.h"
echo 'file src/base/a.h' >>"$tree/tools/budget-allow.txt"
fails 'budget-allow.txt:2: .*without a reason' .
echo 'int count_up(void);int count_up(void){static int n;return ++n;}' >>"$tree/src/base/a.c"
rebuild
fails 'src/base/a.c: n\.0: .*can change' . build
echo 'extern _Thread_local int here; _Thread_local int here = 3;' >>"$tree/src/base/a.c"
rebuild
fails 'src/base/a.c: here: .*can change' . build
echo 'int b(void); int b(void) { return 0; }' >"$tree/src/base/b.c"
rebuild
fails 'src/base/b.c: no object' . build

checker=check-coverage.sh
cover() { # floors
	clean_tree
	cat >"$tree/src/base/a_test.c" <<'END'
#include "base/a.h"

int main(void)
{
	return a(1) - 2;
}
END
	printf "test('a', executable('a', 'src/base/a_test.c', 'src/base/a.c', 'src/mem/m.c',\n" >>"$tree/meson.build"
	printf "  include_directories: 'src'), suite: 'unit')\n" >>"$tree/meson.build"
	printf '%s\n' "$@" >"$tree/tools/coverage-floors.txt"
	rebuild
}
build_tree gcc -Db_coverage=true
cover 'base 100 100' 'mem 0 0'
passes . build
echo 'int b(void); int b(void) { return 0; }' >>"$tree/src/base/a.c"
rebuild
fails 'below: layer base: .*floor is 100' . build
cover 'base 90 90' 'mem 0 10'
fails 'below: src/mem/m.c: 0.0 %.*2 lines' . build
cover 'base 90 90' 'mem 0 0' 'src/mem/m.c 50'
fails '^src/mem/m.c .* 6,8$' . build
cover 'base 90 90'
fails 'no floor for mem' . build
cover 'base 90 90' 'mem 90 90' 'src/mem/m.c system by whole programs'
passes . build
cover 'base 90 90' 'mem 90 90' 'src/mem/m.c system'
fails 'coverage-floors.txt:3: .*without a reason' . build
cover 'base 90 90' 'mem 0 0' 'src/base/a.c system by whole programs'
fails 'coverage-floors.txt:3: no longer needed' . build
cover 'base 90 90' 'mem 0 0' 'src/base/gone.c 50'
fails 'coverage-floors.txt:3: no longer needed' . build
cover 'base 90 90' 'mem 0 0'
sed -i 's/- 2/- 3/' "$tree/src/base/a_test.c"
rebuild
fails '1/1 .*FAIL' . build

checker=check-headers.sh
passes .
echo 'size_t b(void);' >>"$tree/src/base/a.h"
fails 'src/base/a.h:8.*size_t' .
printf '/* SPDX */\nstruct twice { int x; };\n' >"$tree/src/base/b.h"
fails 'src/base/b.h:2.*redefinition' .

checker=check-format.sh
passes .
echo '  int x;' >>"$tree/src/base/a.h"
fails '^[+] src/base/a.h|^-  int x;' .
printf '\n/*\n * table:\n *\tone\ta line of its own\n *\ttwo\t%084d\n */\n' 0 >>"$tree/src/base/a.h"
passes .
printf '\n/*\n *\ttwo\t%085d\n */\n' 0 >>"$tree/src/base/a.h"
fails '^src/base/a.h:16: .*101 columns' .

checker=check-tidy.sh
build_tree clang-14
passes . build
passes . build # from what it kept
cat >>"$tree/src/base/a.c" <<'END'

int deref(const int *p);

int deref(const int *p)
{
	if (!p)
		return *p;
	return 0;
}
END
cp "$tree/src/base/a.c" "$work/bad.c"
fails 'src/base/a.c:21:.*clang-analyzer-core.NullDereference' . build
cp "$work/bad.c" "$tree/src/base/a.c"
fails 'src/base/a.c:21:.*clang-analyzer-core.NullDereference' . build
{
	echo 'int deep(int x);int deep(int x){'
	for _ in 1 2 3 4 5 6 7; do echo 'if (x > 1) { x--;'; done
	echo '}}}}}}} return x; }'
} >>"$tree/src/base/a.c"
cp "$tree/src/base/a.c" "$work/bad.c"
fails 'src/base/a.c: deep: complexity of 28' . build
cp "$work/bad.c" "$tree/src/base/a.c"
echo 'complexity src/base/a.c:deep a sample' >>"$tree/tools/budget-allow.txt"
passes . build
clean_tree
echo 'complexity src/base/a.c:deep a sample' >>"$tree/tools/budget-allow.txt"
fails 'budget-allow.txt:2: no longer needed' . build
printf '#include <stdio.h>\nvoid c(FILE *f);\nvoid c(FILE *f) { fclose(f); }\n' >>"$tree/src/base/a.c"
fails 'src/base/a.c:17:.*cert-err33-c' . build
echo 'extern int y; /* NOLINT */' >>"$tree/src/base/a.h"
fails 'src/base/a.h:8:.*NOLINT' . build

checker=check-cppcheck.sh
passes .
echo 'int over(void); int over(void) { int v[2] = {0, 0}; return v[2]; }' >>"$tree/src/base/a.c"
fails 'src/base/a.c:15.*arrayIndexOutOfBounds' .

checker=check-checkpatch.sh
if [ -e "${XDG_CACHE_HOME:-$HOME/.cache}/linnet/source/current" ]; then
	mkdir -p "$tree/guest/drivers/a"
	printf '// SPDX-License-Identifier: GPL-2.0\nstatic int a;\n' >"$tree/guest/drivers/a/a.c"
	passes .
	printf 'int b(int x)\n{\n\tif(x)\n\t\treturn 1;\n\treturn a;\n}\n' >>"$tree/guest/drivers/a/a.c"
	fails 'guest/drivers/a/a.c:5: ERROR:SPACING' .
fi

checker=check-shell.sh
passes .
echo 'if true; then' >>"$tree/tools/hello.sh"
fails 'tools/hello.sh' .
echo 'ls $1/' >>"$tree/tools/hello.sh"
fails 'SC2086' .
printf '# shellcheck %s=SC2086\nls $1\n' disable >>"$tree/tools/hello.sh"
fails 'disable without a reason' .
printf '#!/bin/bash\nx=(\n' >"$tree/tools/named"
fails 'tools/named' .

printf '# SPDX\n# shellcheck shell=bash\nx=(one)\necho "${x[0]}"\n' >"$tree/tools/lib.sh"
# shellcheck disable=SC2016 # the sample's own variables
printf '#!/bin/bash\n. "$(dirname "$0")/lib.sh"\necho "${x[0]}"\n' >"$tree/tools/user.sh"
passes .
# shellcheck disable=SC2016 # the same
printf '#!/bin/bash\n. "$(dirname "$0")/lib.sh"\necho "$z"\n' >"$tree/tools/user.sh"
fails 'SC2154' .

checker=check-hygiene.sh
passes .
sed -i 1d "$tree/src/base/a.h"
fails '^src/base/a.h .*SPDX' .
: >"$tree/src/base/empty.c"
fails '^src/base/empty.c .*SPDX' .
mkdir -p "$tree/guest/drivers/d"
echo '// SPDX-License-Identifier: GPL-2.0' >"$tree/guest/drivers/d/d.c"
passes .
echo '// SPDX-License-Identifier: MIT' >"$tree/guest/drivers/d/d.c"
fails '^guest/drivers/d/d.c .*SPDX' .
echo '// SPDX-License-Identifier: GPL-2.0' >"$tree/src/base/gpl.c"
fails '^src/base/gpl.c .*SPDX' .
printf '# SPDX-License-Identifier: MIT\n\0\1\2' >"$tree/tools/blob"
fails '^tools/blob .*binary' .
head -c 70000 /dev/zero >"$tree/tests/fuzz/corpus/big"
fails 'corpus/big .*64 KiB' .
host=$(apt-get indextargets --format '$(SITE)' 2>/dev/null | sed -n '1s|.*//||; 1s|[:/].*||p')
if [ -n "$host" ]; then
	echo "/* get it from http://$host/ */" >>"$tree/src/base/a.h"
	fails '^src/base/a.h:8:.*archive' .
fi
printf '/* see %swork/notes */\n' / >>"$tree/src/base/a.h"
fails '^src/base/a.h:8:.*one machine' .
printf '/* %sDO: the rest */\n' TO >>"$tree/src/base/a.h"
fails '^src/base/a.h:8:.*not done' .
printf '/* as %s session found */\n' this >>"$tree/src/base/a.h"
fails '^src/base/a.h:8:.*came about' .
printf 'int x; \n' >>"$tree/src/base/a.h"
fails '^src/base/a.h:8:.*blanks' .

checker=fuzz.sh
mkdir -p "$tree/build-fuzz/tests/fuzz"
cat >"$work/target.c" <<'END'
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 3 && data[0] == BAD)
		__builtin_trap();
	return 0;
}
END
for bad in 256 7; do
	clang-14 -w -fsanitize=fuzzer -DBAD=$bad -o "$tree/build-fuzz/tests/fuzz/t$bad" "$work/target.c" || exit 1
done
passes t256 1
mkdir -p "$tree/tests/fuzz/corpus/t7"
printf '\7ab' >"$tree/tests/fuzz/corpus/t7/seed"
fails 'see it again: build-fuzz/tests/fuzz/t7' t7 1

checker=pool.sh
item() { # when seconds needs name command
	(IFS=$'\t' && echo "$*") >>"$tree/items"
}
item pool 9 - good true
item pool 9 - skipped 'echo no such device; exit 77'
passes items logs
item pool 9 - bad 'echo what happened; exit 3'
fails '^FAIL  bad .*status 3' items logs
item pool 1 - slow 'sleep 60'
fails '^FAIL  slow .*too long' items logs
item pool 9 - silent 'exit 77'
fails '^FAIL  silent .*without a reason' items logs
item first 9 - build false
item pool 9 build user true
fails '^FAIL  user .*build failed' items logs
item sometime 9 - lost true
item pool 9 - good true
fails '^1 passed, 1 failed$' items logs
item pool 9 - skipped 'echo no such device; exit 77'
fails '^0 passed, 0 failed, 1 skipped$' items logs

echo "$count samples"
exit $failed
