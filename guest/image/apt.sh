# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# A private apt for another release and another CPU, without root. Sourced by fetch.sh and by
# tools/peers.sh; none of it touches the host's own lists, cache or packages.
#
# Its index is checked by Debian's archive keyring, and its packages by the index. Transport options
# (proxies, certificates, time-outs) are the host's own; so is the mirror.

apt_keyring=/usr/share/keyrings/debian-archive-keyring

say()
{
	echo "linnet: $*" >&2
}

# Says what is wrong with the tools given as COMMAND:PACKAGE. Fails if one is missing.
need_tools()
{
	lacking=
	for tool; do
		command -v "${tool%:*}" >/dev/null || lacking="$lacking ${tool#*:}"
	done
	[ -z "$lacking" ] && return 0
	say "please install:$lacking"
	return 1
}

# Runs apt-get or apt-cache with the private configuration of apt_open. On a terminal apt shows
# its progress; else only errors are seen.
apt_private()
{
	tool=$1
	shift
	if [ "$tool" = apt-cache ]; then
		apt-cache -c "$apt_dir/apt.conf" "$@"
	elif [ -t 2 ]; then
		apt-get -c "$apt_dir/apt.conf" "$@" >&2
	else
		apt-get -qq -c "$apt_dir/apt.conf" "$@" >&2
	fi
}

# What both private configurations have in common: where the state is, and none of the hooks that
# want root. "Sandbox::User root" means no change of user, which would need root's directories.
apt_conf_common()
{
	mkdir -p "$1/state/lists/partial" "$1/cache/archives/partial" "$1/none"
	: >"$1/state/status"
	cat <<-END
		Dir::State "$1/state";
		Dir::State::lists "$1/state/lists";
		Dir::State::status "$1/state/status";
		Dir::Cache "$1/cache";
		Dir::Log "$1";
		APT::Sandbox::User "root";
		APT::Default-Release "";
		Acquire::Languages "none";
		Acquire::Retries "2";
		#clear APT::Update::Pre-Invoke;
		#clear APT::Update::Post-Invoke;
		#clear APT::Update::Post-Invoke-Success;
		#clear DPkg::Pre-Invoke;
		#clear DPkg::Post-Invoke;
	END
}

# The URI from which this host's release has its "main"; nothing if that is not known. $@: options.
apt_host_mirror()
{
	# shellcheck source=/dev/null
	codename=$(. /etc/os-release && echo "${VERSION_CODENAME-}")
	apt-get "$@" indextargets \
		--format '$(CODENAME) $(COMPONENT) $(CREATED_BY) $(REPO_URI)' 2>/dev/null |
		awk -v codename="$codename" \
			'$1 == codename && $2 == "main" && $3 == "Packages" { print $4; exit }'
}

# Prints the mirror; where the host's lists are empty (a fresh container), it first gets lists of
# the host's sources into $1, a directory of ours.
apt_find_mirror()
{
	uri=$(apt_host_mirror)
	if [ -z "$uri" ]; then
		say "reading the package lists of this host's sources"
		mkdir -p "$1"
		apt_conf_common "$1" >"$1/apt.conf"
		apt-get -qq -c "$1/apt.conf" update >&2 || true
		uri=$(apt_host_mirror -c "$1/apt.conf")
	fi
	if [ -z "$uri" ]; then
		say "this host's apt sources name no mirror of its release's main archive"
		return 1
	fi
	echo "$uri"
}

# apt_open DIR ARCHS MIRROR: makes a private apt for Debian trixie in DIR, and gets its index. ARCHS are
# words: the first is the one whose packages need no suffix ":ARCH". An empty MIRROR stands for the
# host's.
apt_open()
{
	apt_dir=$1
	mkdir -p "$apt_dir"
	apt_mirror=$3
	[ -n "$apt_mirror" ] || apt_mirror=$(apt_find_mirror "$apt_dir/host") || return 1
	keyring=$apt_keyring.gpg
	[ -e "$keyring" ] || keyring=$apt_keyring.pgp
	if [ ! -e "$keyring" ]; then
		say "please install: debian-archive-keyring"
		return 1
	fi
	archs=$(echo "$2" | tr ' ' ',')
	echo "deb [arch=$archs signed-by=$keyring target=Packages] $apt_mirror trixie main" \
		>"$apt_dir/sources.list"
	{
		apt_conf_common "$apt_dir"
		cat <<-END
			Dir::Etc::sourcelist "$apt_dir/sources.list";
			Dir::Etc::sourceparts "$apt_dir/none";
			Dir::Etc::preferences "$apt_dir/none/preferences";
			Dir::Etc::preferencesparts "$apt_dir/none";
			APT::Architecture "${2%% *}";
			#clear APT::Architectures;
			APT::Architectures { $(echo "$2" | sed 's/[^ ]*/"&";/g') };
			APT::Install-Recommends "false";
			APT::Get::AllowUnauthenticated "false";
			Acquire::AllowInsecureRepositories "false";
			Acquire::AllowWeakRepositories "false";
		END
	} >"$apt_dir/apt.conf"
	say "reading the package index of Debian trixie for $2"
	# A failure to fetch is an error here, not a warning.
	apt_private apt-get -o APT::Update::Error-Mode=any update
}

# Whether the index has this version of a package.
apt_has()
{
	apt_private apt-cache show --all-versions "$1" 2>/dev/null | grep -qxF "Version: $2"
}

# Prints the version that the index has of a package.
apt_version()
{
	apt_private apt-cache show --no-all-versions "$1" | sed -n 's/^Version: //p' | head -n 1
}

# Prints the files of the packages that installing those given would bring.
apt_files()
{
	apt-get -qq -c "$apt_dir/apt.conf" -y --print-uris install "$@" | sed "s/^'[^']*' //; s/ .*//"
}

# Downloads packages into the current directory.
apt_download()
{
	apt_private apt-get download "$@"
}
