#!/bin/sh
# SPDX-License-Identifier: MIT
# Digests, ciphers and deterministic signatures of known data. $1: a directory to leave signatures in
# that are not deterministic, with what is needed to verify them.
set -eu
export LC_ALL=C
cd "$1"
awk 'BEGIN { for (i = 0; i < 40000; i++) printf "%d,", i * i % 7919 }' >data
for name in md5 sha1 sha224 sha256 sha384 sha512 sha512-256 sha3-256 sha3-512 shake128 blake2b512 \
	blake2s256 sm3; do
	case $name in
	shake128) openssl dgst -$name -xoflen 32 data ;;
	*) openssl dgst -$name data ;;
	esac
done
key=000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
iv=0f0e0d0c0b0a09080706050403020100
for name in aes-128-cbc aes-192-ctr aes-256-cbc aes-256-ctr aes-128-ofb aes-256-cfb aes-256-ecb chacha20 \
	camellia-256-cbc aria-128-ctr sm4-cbc des-ede3-cbc; do
	case $name in
	*-128-* | sm4-*) k=$(echo $key | cut -c 1-32) v=$iv ;;
	*-192-*) k=$(echo $key | cut -c 1-48) v=$iv ;;
	des-*) k=$(echo $key | cut -c 1-48) v=$(echo $iv | cut -c 1-16) ;;
	*) k=$key v=$iv ;;
	esac
	case $name in
	*-ecb) v= ;;
	esac
	openssl enc -e -$name -K "$k" ${v:+-iv "$v"} -in data -out coded
	openssl enc -d -$name -K "$k" ${v:+-iv "$v"} -in coded -out plain
	cmp data plain
	echo "$name $(sha256sum <coded)"
done
openssl dgst -sha256 -hmac key data
openssl mac -cipher AES-128-CBC -macopt hexkey:"$(echo $key | cut -c 1-32)" -in data CMAC
openssl mac -macopt hexkey:$key -in data POLY1305
openssl kdf -keylen 32 -kdfopt digest:SHA256 -kdfopt pass:word -kdfopt salt:salt -kdfopt iter:2000 PBKDF2
openssl kdf -keylen 32 -kdfopt pass:word -kdfopt salt:salt -kdfopt n:256 -kdfopt r:8 -kdfopt p:1 SCRYPT
openssl prime 162259276829213363391578010288127 162259276829213363391578010288129

# Ed25519 and RSA with PKCS #1 are deterministic for a given key.
printf '\060\056\002\001\000\060\005\006\003\053\145\160\004\042\004\040' >ed.der
i=0
while [ $i -lt 32 ]; do
	printf A
	i=$((i + 1))
done >>ed.der
openssl pkey -inform DER -in ed.der -out ed.pem
openssl pkeyutl -sign -inkey ed.pem -rawin -in data -out ed.sig
openssl pkey -in ed.pem -pubout
sha256sum <ed.sig

# These are random.
openssl genrsa -out rsa.key 2048 2>/dev/null
openssl ecparam -name prime256v1 -genkey -noout -out ec.key
for name in rsa ec; do
	openssl pkey -in $name.key -pubout -out $name.pub
	openssl dgst -sha256 -sign $name.key -out $name.sig data
	openssl dgst -sha256 -verify $name.pub -signature $name.sig data
done
