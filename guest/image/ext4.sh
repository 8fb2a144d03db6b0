# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# File systems for disks, without root. Sourced by fetch.sh and by ../userland.sh.

# The host's mke2fs.conf shall not decide what a guest's disk is.
ext4_features=has_journal,ext_attr,dir_index,filetype,extent,flex_bg,sparse_super,large_file
ext4_features=$ext4_features,huge_file,dir_nlink,extra_isize,metadata_csum,64bit

# ext4_make FILE SIZE UUID OPTION...: options are mke2fs's. The file is sparse. The file system is
# complete at once (no lazy initialization), so that the guest has nothing to do in the background; and
# the same options give the same bytes.
ext4_make()
{
	file=$1
	uuid=$3
	rm -f "$file"
	truncate -s "$2" "$file"
	shift 3
	cat >"$file.conf" <<-END
		[defaults]
			base_features = none
		[fs_types]
			ext4 = {
				features = $ext4_features
			}
			small = {
				blocksize = 4096
			}
	END
	E2FSPROGS_FAKE_TIME=1 MKE2FS_CONFIG=$file.conf \
		mke2fs -q -F -t ext4 -b 4096 -I 256 -m 0 -L linnet -U "$uuid" \
		-E "hash_seed=$uuid,lazy_itable_init=0,lazy_journal_init=0,root_owner=0:0" \
		"$@" "$file"
	rm "$file.conf"
	fallocate -d "$file" 2>/dev/null || true # only saves space
}
