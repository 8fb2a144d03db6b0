#!/bin/bash
# SPDX-License-Identifier: MIT
# Usage: shell.sh CASE. What is generated from the option tables: man pages and completion, these in real
# shells. The build has put them beside the program, in docs/.
. "$(dirname "$0")/lib.sh"
docs=$(dirname "$LINNET")/docs
mapfile -t commands < <("$LINNET" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p')
[ "${#commands[@]}" -gt 4 ] || fail "no list of commands in --help"

case_man() {
	local command option page
	command -v man >/dev/null || {
		echo "skipped: no man here"
		exit 77
	}
	for command in '' "${commands[@]}"; do
		page=$docs/linnet${command:+-$command}.1
		[ -s "$page" ] || fail "$command has no man page; is it missing in docs/meson.build?"
		LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -l "$page" >"$work/out" 2>"$work/err" ||
			fail "man cannot show $page"
		[ ! -s "$work/err" ] || fail "warnings about $page"
		# Pages carry no date, so that a build can be repeated.
		if command -v mandoc >/dev/null; then
			mandoc -T lint "$page" | grep -v 'missing date' >"$work/err" &&
				fail "mandoc about $page"
		fi
		grep -qx 'NAME' "$work/out" || fail "no NAME in $page"
		# shellcheck disable=SC2086 # none or one word
		"$LINNET" $command --help >"$work/help"
		sed -nE 's/^  (-.,|   ) (--[a-z-]+).*/\2/p' "$work/help" >"$work/options"
		while read -r option; do
			grep -qE -- "^ .*$option( |\$)" "$work/out" || fail "$option is not in $page"
		done <"$work/options"
	done
	expect_in out 'linnet-run\(1\)|SEE ALSO'
	"$LINNET" --generate man run | cmp - "$docs/linnet-run.1" || fail "another page than built"
}

# complete LINE WANT...: what the function offers for a line that ends at the cursor, in bash's own
# parts of words.
complete_is() {
	local got
	got=$(cd "$work/dir" && bash --norc -c '
		source "$1"
		complete -p linnet >/dev/null || exit
		line=$2
		COMP_WORDS=()
		while [[ $line ]]; do
			if [[ $line =~ ^[[:blank:]]+ ]]; then
				line=${line#"${BASH_REMATCH[0]}"}
				[[ $line ]] || COMP_WORDS+=("")
			else
				[[ $line =~ ^([=:]+|[^=:[:blank:]]+) ]]
				COMP_WORDS+=("${BASH_REMATCH[0]}")
				line=${line#"${BASH_REMATCH[0]}"}
			fi
		done
		COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
		_linnet linnet "${COMP_WORDS[COMP_CWORD]}"
		printf "%s\n" "${COMPREPLY[@]}" | sort | paste -s -d " "' bash "$docs/linnet" "$1") ||
		fail "completion of: $1"
	[ "$got" = "$2" ] || fail "for '$1' bash is offered '$got', not '$2'"
}

case_bash() {
	local command
	mkdir -p "$work/dir/images"
	touch "$work/dir/a b.img" "$work/dir/boot.img"
	if command -v shellcheck >/dev/null; then
		shellcheck "$docs/linnet" || fail "shellcheck"
	fi
	for command in "${commands[@]}"; do
		complete_is "linnet $command" "$command"
		complete_is "linnet $command --hel" --help
	done
	complete_is 'linnet --v' --version
	complete_is 'linnet run --mac' --machine
	complete_is 'linnet run --machine ' 'duo duo256m virt'
	complete_is 'linnet run --machine=' 'duo duo256m virt'
	complete_is 'linnet run --clock=h' host
	complete_is 'linnet run --smp ' ''
	complete_is 'linnet run --kernel b' boot.img
	complete_is 'linnet run --kernel=a' 'a b.img'
	complete_is 'linnet run --modules ' images
	complete_is 'linnet run --disk pa' path=
	complete_is 'linnet run --disk path=b' boot.img
	complete_is 'linnet run --disk=path=b' boot.img
	complete_is 'linnet run --disk path=boot.img,ro=o' 'off on'
	complete_is 'linnet run --disk boot.img,sn' boot.img,snapshot=
	complete_is 'linnet run --disk path=boot.img,sn' boot.img,snapshot=
	complete_is 'linnet run --net us' user
	complete_is 'linnet run --net user,h' user,hostfwd=
	complete_is 'linnet run --verbose --config=b' boot.img
	complete_is 'linnet kbuild im' images
	complete_is 'linnet nonsense x' ''
	# And at a terminal, whose user types a part and then Tab.
	cd "$work/dir" || exit
	printf 'PS1="ready> "\nsource "$DOCS/linnet"\nlinnet() { printf "(%%s)" "$@"; echo; }\n' >"$work/rc"
	DOCS=$docs TERM=xterm timeout -k 5 100 "$PTY" 24 80 bash --noprofile --rcfile "$work/rc" \
		>"$work/out" 2>"$work/err" <<-'END' || fail "a dialogue with bash"
		expect ready>
		send linnet ru\x09
		expect linnet run
		send --dis\x09
		expect --disk
		send pat\x09
		expect path=
		send a\x09
		expect .img
		send ,snap\x09
		expect snapshot=
		send on --clock=i\x09
		expect instructions
		send \r
		expect (run)(--disk)(path=a b.img,snapshot=on)(--clock=instructions)
		send exit\r
		end 0
	END
}

case_zsh() {
	command -v zsh >/dev/null || {
		echo "skipped: no zsh here"
		exit 77
	}
	mkdir "$work/dir" "$work/zdot"
	touch "$work/dir/boot.img"
	cd "$work/dir" || exit
	zsh -n "$docs/_linnet" 2>"$work/err" || fail "not good zsh"
	cat >"$work/zdot/.zshrc" <<-'END'
		fpath=("$DOCS" $fpath)
		autoload -Uz compinit
		compinit -u -d "$ZDOTDIR/dump"
		linnet() { printf '(%s)' "$@"; echo; }
		PS1='ready> '
	END
	DOCS=$docs ZDOTDIR=$work/zdot TERM=dumb timeout -k 5 100 "$PTY" 24 160 zsh -d -i \
		>"$work/out" 2>"$work/err" <<-'END' || fail "a dialogue with zsh"
		expect ready>
		send linnet ru\x09
		expect linnet run
		send --dis\x09
		expect --disk
		send pat\x09
		expect path=
		send boo\x09
		expect boot.img
		send ,snap\x09
		expect snapshot=
		send on --clo\x09
		expect --clock
		send ins\x09
		expect instructions
		send \r
		expect (run)(--disk
		expect path=boot.img,snapshot=on)(--clock
		expect instructions)
		send exit\r
		end 0
	END
}

"case_$1"
