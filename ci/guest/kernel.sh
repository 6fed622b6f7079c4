# kernel.sh DIR: fetches the kernel of Debian 12, without installing it, and makes the
# initramfs that starts the guest: DIR/vmlinuz, DIR/initramfs, DIR/kernel/lib/modules.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/../front.sh"

# The package that linux-image-amd64 stands for today.
package() {
	apt-cache depends linux-image-amd64 2>/dev/null |
		sed -n 's/^ *Depends: \(linux-image-6\.1\..*\)/\1/p' | head -n 1
}

# By the user who may not be apt's own: that one may not write everywhere.
download() { (cd "$1" && apt-get -q -o APT::Sandbox::User="$(id -un)" download "$2"); }

# fetch DIR: the package, unpacked; once.
fetch() {
	local dir=$1 name
	name=$(package)
	[ -n "$name" ] || { apt_get update && name=$(package); }
	[ -n "$name" ] || die "apt knows no kernel 6.1: this is not Debian 12."
	[ "$(cat "$dir/package" 2>/dev/null)" != "$name" ] || return 0
	say "Fetching $name."
	rm -rf "$dir"
	mkdir -p "$dir/kernel"
	# The lists may be older than what the servers still have.
	download "$dir" "$name" || { apt_get update && download "$dir" "$name"; } ||
		die "apt-get could not download $name."
	dpkg -x "$dir/$name"_*.deb "$dir/kernel"
	rm "$dir/$name"_*.deb
	cp "$dir"/kernel/boot/vmlinuz-* "$dir/vmlinuz"
	/sbin/depmod -b "$dir/kernel" "${name#linux-image-}"
	say "$name" >"$dir/package"
}

# initramfs DIR: busybox, the modules that reach the host's folders, and init.
initramfs() {
	local dir=$1 root=$1/initramfs.d version name path
	version=$(basename "$dir"/kernel/lib/modules/*)
	rm -rf "$root"
	mkdir -p "$root"/{bin,proc,host,written,root,modules}
	cp /bin/busybox "$root/bin/"
	cp ci/guest/init "$root/init"
	chmod +x "$root/init"
	for name in virtio_pci 9pnet_virtio 9p overlay; do
		/sbin/modprobe -d "$dir/kernel" -S "$version" --show-depends "$name"
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while read -r path; do
		cp "$path" "$root/modules/"
		say "${path##*/}" >>"$root/modules/order"
	done
	(cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) >"$dir/initramfs"
	rm -rf "$root"
}

mkdir -p "$1"
dir=$(readlink -f "$1")
fetch "$dir"
initramfs "$dir"
