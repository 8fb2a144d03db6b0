#!/bin/bash
# SPDX-License-Identifier: MIT
# Usage: kbuild.sh CASE. From an empty folder to a tested module: `linnet new-driver`, `linnet kbuild`.
# The kernel's headers come from the user's cache, and get there by the first of these tests.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
recipes=$(cd "$(dirname "$0")/../../guest" && pwd)
export LINNET

new_driver() { # name directory
	linnet new-driver "$@"
	expect_status 0
}

kbuild() { # directory arguments...
	linnet kbuild "$@"
	expect_status 0
}

try() { # directory: its own test, in a guest
	timeout -k 5 240 "$1/test.sh" >"$work/out" 2>"$work/err"
	status=$?
}

# replace FILE TEXT NEW: once, and it must be there.
replace() {
	grep -qF -- "$2" "$1" || fail "$1 has no: $2"
	sed -i "s|$2|$3|" "$1"
}

case_template() {
	local left
	new_driver blinker "$work/some/where"
	expect_in out "kbuild $work/some/where"
	! grep -rqi sample "$work/some/where" || fail "$(grep -rli sample "$work/some/where") says sample"
	kbuild "$work/some/where" W=1
	expect_out "$work/some/where/blinker.ko"
	expect_not_in err 'warning|WARNING'
	try "$work/some/where"
	expect_status 0
	expect_in out '^blinker: passed$'
	kbuild "$work/some/where" clean
	expect_out ''
	left=$(find "$work/some/where" -type f -printf '%P\n' | sort | tr '\n' ' ')
	[ "$left" = '.gitignore Kbuild blinker.c test.sh ' ] || fail "after clean: $left"
}

# The template's test sees what is wrong with a driver.
case_template_test() {
	local bug
	new_driver buggy "$work/buggy"
	cp "$work/buggy/buggy.c" "$work/good"
	while read -r bug; do
		cp "$work/good" "$work/buggy/buggy.c"
		replace "$work/buggy/buggy.c" "${bug%% => *}" "${bug##* => }"
		kbuild "$work/buggy"
		try "$work/buggy"
		[ "$status" = 1 ] || [ "$status" = 125 ] || fail "status $status with: $bug"
		cat "$work/out" "$work/err" >"$work/both"
		expect_in both '^FAILED: |panicked'
	done <<-'END'
		dev->len = 0; => dev->len += 0;
		misc_deregister(&buggy_dev.misc); => WARN_ON(1); misc_deregister(\&buggy_dev.misc);
		.owner = THIS_MODULE, => .owner = NULL,
	END
}

case_names() {
	local name
	for name in 9lives a-b 'a b' a/b é '' "$(head -c 41 /dev/zero | tr '\0' a)"; do
		linnet new-driver "$name" "$work/x"
		[ "$status" != 0 ] || fail "took the name '$name'"
		[ ! -e "$work/x" ] || fail "made something for the name '$name'"
	done
	linnet new-driver
	expect_status 2
	linnet new-driver a b c
	expect_status 2
	mkdir "$work/there"
	linnet new-driver mine "$work/there"
	expect_status 1
	expect_in err "$work/there.*already"
	[ -z "$(ls -A "$work/there")" ] || fail "it wrote into a directory that was there"
}

case_mistakes() {
	linnet kbuild
	expect_status 2
	expect_in err 'directory'
	linnet kbuild "$work/none"
	expect_status 1
	expect_in err "$work/none: there is no such directory"
	mkdir "$work/d"
	linnet kbuild "$work/d"
	expect_status 1
	expect_in err 'neither a Kbuild nor a Makefile.*obj-m'
	echo '# nothing' >"$work/d/Kbuild"
	linnet kbuild "$work/d"
	expect_status 1
	expect_in err 'names no module.*obj-m'
	echo 'obj-m := d.o' >"$work/d/Kbuild"
	echo 'int d(void) { return missing; }' >"$work/d/d.c"
	linnet kbuild "$work/d"
	expect_status 2
	expect_in err "d.c:1:.*error: .missing. undeclared"
	expect_out ''
	printf '#include <linux/module.h>\nint no_such_function(void);\nint d(void);\nint d(void) { return no_such_function(); }\nMODULE_LICENSE("GPL");\n' >"$work/d/d.c"
	linnet kbuild "$work/d"
	expect_status 2
	expect_in err 'no_such_function.* undefined'
	mkdir "$work/with blank"
	cp "$work/d/Kbuild" "$work/with blank"
	linnet kbuild "$work/with blank"
	expect_status 1
	expect_in err 'blanks'
	if [ "$(id -u)" != 0 ]; then
		chmod a-w "$work/d"
		linnet kbuild "$work/d"
		chmod u+w "$work/d"
		expect_status 1
		expect_in err 'cannot write'
	fi
}

# Modules of several files, in several modules, with a module's symbols used by another; and from
# inside a make.
case_several() {
	mkdir "$work/m"
	printf 'obj-m := one.o two.o\none-y := one_a.o one_b.o\n' >"$work/m/Kbuild"
	printf '#include <linux/module.h>\nint one(void);\nint one_b(void);\nint one(void) { return one_b(); }\nEXPORT_SYMBOL_GPL(one);\nMODULE_LICENSE("GPL");\nMODULE_DESCRIPTION("one");\n' >"$work/m/one_a.c"
	printf 'int one_b(void);\nint one_b(void) { return 41; }\n' >"$work/m/one_b.c"
	printf '#include <linux/module.h>\nint one(void);\nstatic int __init two_init(void) { pr_info("two: %%d\\n", one() + ADD); return 0; }\nmodule_init(two_init);\nMODULE_LICENSE("GPL");\nMODULE_DESCRIPTION("two");\n' >"$work/m/two.c"
	printf 'modules:\n\t%s kbuild m KCFLAGS=-DADD=1 V=0\n' "$LINNET" >"$work/Makefile"
	make -s -C "$work" V=1 -j3 >"$work/out" 2>"$work/err" || fail "make: status $?"
	expect_out "$(printf 'm/one.ko\nm/two.ko')"
	guest 'insmod /one.ko && insmod /two.ko && dmesg | tail -n 1' \
		--file "$work/m/one.ko:/one.ko" --file "$work/m/two.ko:/two.ko"
	expect_status 0
	expect_in out 'two: 42$'
}

# A cache with the guest but without headers, or with these copied.
own_cache() { # [copy]
	local user=${XDG_CACHE_HOME:-$HOME/.cache}/linnet
	linnet kbuild --print
	expect_status 0
	mkdir -p "$work/cache"
	ln -s "$user/guest" "$work/cache/guest"
	[ -z "${1-}" ] || cp -a "$user/kbuild" "$work/cache/kbuild"
}

recipe() { # arguments: the recipe with this cache, out of reach of any archive
	timeout -k 5 120 "$recipes/kbuild.sh" --cache "$work/cache" \
		--init "$(dirname "$LINNET")/guest/image/init" --mirror http://127.0.0.1:9/debian "$@" \
		>"$work/out" 2>"$work/err"
	status=$?
}

case_offline() {
	own_cache
	new_driver lonely "$work/lonely"
	recipe "$work/lonely"
	expect_status 1
	expect_in err 'headers and build tools of Linux .* could not be downloaded$'
	[ -z "$(find "$work/cache/kbuild" -mindepth 1 ! -name lock)" ] || fail 'something is left in the cache'
}

case_damage() {
	local headers
	own_cache copy
	new_driver steady "$work/steady"
	recipe --print "$work/steady"
	expect_status 0
	headers=$(sed -n 's/^headers=//p' "$work/out")
	[[ $headers == "$work/cache/"* ]] || fail "headers=$headers is not in $work/cache"
	touch "$headers/Module.symvers" # another time, the same content
	recipe "$work/steady"
	expect_status 0
	echo >>"$headers/Module.symvers"
	recipe "$work/steady"
	expect_status 1
	expect_in err 'damaged'
	expect_in err 'could not be downloaded$'
}

# drivers_of_make NAME=VALUE...: what `make` does for them, which downloads nothing.
drivers_of_make() {
	env "$@" "$(dirname "$0")/../../tools/drivers.sh" "$LINNET" >"$work/out" 2>"$work/err"
	status=$?
	expect_status 0
}

# A cache with the guest and headers, for all that follows.
cache_without_source() {
	own_cache
	ln -s "$(cd "${XDG_CACHE_HOME:-$HOME/.cache}/linnet/kbuild" && pwd)" "$work/cache/kbuild"
	export XDG_CACHE_HOME=$work/xdg
	mkdir "$XDG_CACHE_HOME"
	mv "$work/cache" "$XDG_CACHE_HOME/linnet"
}

without_rpmsg='^linnet: without rpmsg, .*: linnet kbuild --extras gets them'

# Linnet's own drivers: there for modprobe once they are built, and --no-extras leaves them out. Without
# files of the kernel's source all are built but those that are made of them; with them, these as well.
case_extras() {
	local user=${XDG_CACHE_HOME:-$HOME/.cache}/linnet cpio
	LIMIT=400 linnet kbuild --source --print
	expect_status 0
	cache_without_source
	guest 'modprobe linnet_bugs bug=warn'
	expect_status 1
	drivers_of_make XDG_CACHE_HOME="$work"
	expect_in out 'not built'
	drivers_of_make
	expect_not_in out 'not built'
	expect_not_in err 'warning|WARNING'
	expect_in err "$without_rpmsg"
	[ ! -e "$XDG_CACHE_HOME/linnet/parts" ] || fail 'it fetched a part of the source'
	guest 'modprobe linnet_bugs bug=warn && dmesg && modprobe -r linnet_bugs && grep /mnt /proc/mounts'
	expect_status 0
	expect_in out 'WARNING: .* at linnet_bugs/linnet_bugs.c:'
	expect_in out '^/dev/vda /mnt ext4' # the guest's own modules are known as before
	guest 'modprobe linnet_bugs bug=warn' --no-extras
	expect_status 1
	guest 'modprobe linnet_bugs bug=oops' --append oops=panic
	expect_status 125
	expect_in err 'linnet_bugs_init'
	guest 'modprobe linnet_bugs bug=none'
	expect_status 1
	cpio=$("$LINNET" fetch --print | sed -n 's/^extras=//p')
	truncate -s 1000 "$cpio"
	guest 'modprobe linnet_bugs bug=warn'
	expect_status 1
	ln -s "$(cd "$user/source" && pwd)" "$XDG_CACHE_HOME/linnet/source"
	drivers_of_make
	expect_not_in err "$without_rpmsg"
	rm "$XDG_CACHE_HOME/linnet/source"
	linnet kbuild --extras
	expect_status 0
	[ ! -s "$work/err" ] || fail 'it was built again'
	guest 'modprobe rpmsg_char && modprobe linnet_bugs bug=list'
	expect_status 125
	expect_in err 'do_list'
}

# Two that fetch the headers at the same time into an empty cache: one does it.
case_fetch() {
	local i
	own_cache
	export XDG_CACHE_HOME=$work/xdg
	mkdir "$XDG_CACHE_HOME"
	mv "$work/cache" "$XDG_CACHE_HOME/linnet"
	for i in 1 2; do
		new_driver "twin$i" "$work/twin$i"
	done
	for i in 1 2; do
		timeout -k 5 400 "$LINNET" kbuild "$work/twin$i" >"$work/out$i" 2>"$work/err$i" &
		pids+=("$!")
	done
	for i in 1 2; do
		wait "${pids[$((i - 1))]}" || fail "kbuild $i: $(cat "$work/err$i")"
		[ "$(cat "$work/out$i")" = "$work/twin$i/twin$i.ko" ] || fail "kbuild $i printed $(cat "$work/out$i")"
	done
	[ "$(cat "$work/err1" "$work/err2" | grep -c 'downloading')" = 1 ] || fail 'it was not fetched once'
	try "$work/twin2"
	expect_status 0
}

"case_$1"
