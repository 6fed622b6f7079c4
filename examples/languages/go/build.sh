#!/bin/sh
# build.sh GO INTERFACE SIDE SDK BUILD SOURCE PROGRAM - builds a program over a binding, in a module
# of its own beside it.
set -e
go=$1 interface=$2 side=$3 sdk=$4 build=$5 source=$6 program=$(realpath -m "$7")
folder=$program.module
rm -rf "$folder"
mkdir -p "$folder/textstat"
cp "$source" "$folder/main.go"
"$interface" bind "$side" --language go -o "$folder/textstat/textstat.go"
printf 'module example\n\ngo 1.19\n\nrequire rhodes v0.0.0\n\nreplace rhodes => %s\n' "$sdk" \
	> "$folder/go.mod"
cd "$folder"
PKG_CONFIG_PATH=$build/meson-uninstalled GOCACHE=$build/go-cache GOPATH=$build/go-path GOPROXY=off \
	GOFLAGS=-mod=mod CGO_ENABLED=1 "$go" build -o "$program" .
