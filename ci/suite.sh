# Shared by ci/jobs/*.sh: runs meson suites of a build folder and keeps the log.
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/front.sh"

# suite NAME DIR [meson test arguments]: the log goes to build/test/NAME.json for count.py.
suite() {
	local name=$1 dir=$2 result=0
	shift 2
	/usr/bin/meson test -C "$dir" --no-rebuild --print-errorlogs --logbase "test-$name" "$@" ||
		result=$?
	mkdir -p build/test
	cp "$dir/meson-logs/test-$name.json" "build/test/$name.json" 2>/dev/null || true
	return "$result"
}
