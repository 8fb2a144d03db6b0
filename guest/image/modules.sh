#!/bin/sh
# SPDX-License-Identifier: MIT
# Picks kernel modules with all they depend on, and writes the indexes that modprobe needs.
#
# usage: modules.sh TREE OUT NAME...
#	TREE	a lib/modules/RELEASE tree, as a kernel package holds it (depmod need not have run)
#	OUT	is made: the modules, not compressed, and modules.dep and modules.alias
#	NAME	a module's file name without suffix
#
# Modules say themselves what they need ("depends") and what should be there first ("softdep"), so
# depmod is not needed. A softdep is taken for a dependency: without it the kernel would start a
# process to load it in the middle of the boot. It may name an alias of a module given before.
#
# Three things are done here so that the guest need not do them at each boot:
# - the modules are unpacked, for some 100 instructions a byte;
# - compiler-made local labels go: nine tenths of the symbols, and two thirds of the bytes, of ext4;
# - with them goes the signature. To verify it costs 60 million instructions a module, and 1,000
#   million for ext4: more than all the rest of the boot. Linux then marks itself as tainted by an
#   unsigned module ("E"), as it does when a driver of one's own is loaded.
set -eu
export LC_ALL=C

tree=$1
out=$2
shift 2
mkdir -p "$out"
: >"$out/modules.dep"
: >"$out/modules.alias"
info=$(mktemp "$out/info.XXXXXX")
trap 'rm -f "$info"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
seen=

unpack()
{
	case $1 in
	*.xz) xz -dc "$1" ;;
	*.gz) gzip -dc "$1" ;;
	*.zst) zstd -qdc "$1" ;;
	*) cat "$1" ;;
	esac
}

# Adds one module and what it depends on. $info gets lines "PATH KEY VALUE".
add()
{
	case " $seen " in
	*" $1 "*) return 0 ;;
	esac
	seen="$seen $1"
	file=$(cd "$tree" && find . -name "$1.ko*" | head -n 1)
	file=${file#./}
	if [ -z "$file" ]; then
		grep -q "/$1\.ko\$" "$tree/modules.builtin" && return 0
		echo "linnet: $tree: there is no module $1" >&2
		return 1
	fi
	path=${file%.ko*}.ko
	mkdir -p "$out/${path%/*}"
	unpack "$tree/$file" >"$out/$path"
	riscv64-linux-gnu-objcopy -X "$out/$path"
	tr '\0' '\n' <"$out/$path" | sed -n "s,^\(depends\|softdep\|alias\)=,$path \1 ,p" >>"$info"
	for name in $(sed -n "s|^$path depends ||p" "$info" | tr ',' ' '); do
		add "$name"
	done
}

for name; do
	add "$name"
done

awk -v dep="$out/modules.dep" -v alias="$out/modules.alias" '
function base(path) { sub(/.*\//, "", path); sub(/\.ko$/, "", path); return path }
function under(name) { gsub(/-/, "_", name); return name }
# What must be loaded before a module, itself last; depth first, each once.
function order(name, done,   i, n, d) {
	if (name in done || !(name in file))
		return ""
	done[name] = 1
	n = split(needs[name], d, " ")
	for (i = 1; i <= n; i++)
		before[name] = before[name] order(under(d[i]), done)
	return before[name] " " file[name]
}
{ name = under(base($1)); file[name] = $1; if (!(name in known)) { known[name] = 1; names[++count] = name } }
$2 == "depends" { gsub(/,/, " ", $3); needs[name] = needs[name] " " $3 }
$2 == "softdep" && $3 == "pre:" { for (i = 4; i <= NF && $i != "post:"; i++) soft[name] = soft[name] " " $i }
$2 == "alias" { print "alias", $3, name >alias; called[$3] = name }
END {
	for (i = 1; i <= count; i++) {
		n = split(soft[names[i]], s, " ")
		for (j = 1; j <= n; j++)
			needs[names[i]] = needs[names[i]] " " (s[j] in called ? called[s[j]] : s[j])
	}
	for (i = 1; i <= count; i++) {
		split("", done)
		split("", before)
		n = split(order(names[i], done), o, " ")
		line = o[n] ":"
		for (j = n - 1; j >= 1; j--)
			line = line " " o[j]
		print line >dep
	}
}' "$info"
