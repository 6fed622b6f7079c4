# inside.sh BUILD: process 1 of the guest, once the root is there.  Runs what BUILD/guest/runs
# says, a line at a time; what is done is in a folder of the host, also when the guest dies.
build=$1
export HOME=/run LANG=C.UTF-8 PYTHONUNBUFFERED=1 RHODES_PATIENCE=10 PATH=/usr/sbin:/usr/bin:/sbin:/bin

mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t cgroup2 cgroup /sys/fs/cgroup
mount -t devtmpfs dev /dev
ln -s /proc/self/fd /dev/fd
mkdir -p /dev/pts /dev/shm /dev/mqueue
mount -t devpts pts /dev/pts
mount -t tmpfs shm /dev/shm
mount -t mqueue mqueue /dev/mqueue
mount -t tmpfs -o mode=755 run /run
ip link set lo up
# There is no udev that would make its device when somebody opens it.
modprobe tun
# As a login has it under systemd.
ulimit -Hn 524288
ulimit -Sn 1024

echo "guest: Linux $(uname -r)"
number=0
while read -r line; do
	eval "words=($line)" # quoted as for a shell
	number=$((number + 1))
	# Emulation takes ten times as long.  By cat: on a console meson would paint.
	meson test -C "$build" --no-rebuild --print-errorlogs --logbase "$number" -t 10 \
		"${words[@]}" </dev/null 2>&1 | cat
done <"$build/guest/runs"
echo "guest: done"
# The console is slow: until it has said all of that.
python3 -c 'import termios; termios.tcdrain(1)'
# Anew: the machine was started so that this is its end.
echo b >/proc/sysrq-trigger
