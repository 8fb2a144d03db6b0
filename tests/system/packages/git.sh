#!/bin/sh
# SPDX-License-Identifier: MIT
# A repository with 100 commits. The identifiers of its objects are checksums of all that git did, so
# the output is the same wherever it runs.
set -eu
work=$(mktemp -d)
cd "$work"
export HOME="$work" GIT_CONFIG_NOSYSTEM=1 LC_ALL=C
export GIT_AUTHOR_NAME=author GIT_AUTHOR_EMAIL=a@example
export GIT_COMMITTER_NAME=committer GIT_COMMITTER_EMAIL=c@example
git init -q -b main origin
cd origin
i=0
while [ $i -lt 100 ]; do
	i=$((i + 1))
	mkdir -p "dir$((i % 7))"
	echo "line $i of $((i * i * 7919 % 1009))" >>"dir$((i % 7))/file$((i % 13))"
	export GIT_AUTHOR_DATE="$((1700000000 + i * 60)) +0000" GIT_COMMITTER_DATE="$((1700000000 + i * 61)) +0000"
	git add .
	git commit -q -m "commit $i"
done
git checkout -q -b side HEAD~20
echo 'on the side' >side
git add side
git commit -q -m side
git merge -q -m merge main
git tag -a -m annotated v1
git gc -q
git fsck --full --strict --no-dangling --no-progress
git count-objects -v | grep -E '^(count|in-pack|packs|garbage):'
git rev-parse HEAD 'HEAD^{tree}' v1
git diff --stat HEAD~50 HEAD | sha256sum
git diff HEAD~10 HEAD | sha256sum
git log --format='%H %T %s' --name-status | sha256sum
cd ..
git clone -q --no-local origin clone
cd clone
git fsck --full --strict --no-progress
git rev-parse HEAD
git grep -c 'of 7' | sort
git blame -s dir3/file3 | sha256sum
git archive --format=tar HEAD | sha256sum
cd /
rm -rf "$work"
