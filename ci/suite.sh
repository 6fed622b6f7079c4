# Shared by ci/jobs/*.sh: runs meson suites of a build folder and keeps the log.
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/front.sh"

# run_logged LOG DIR [meson test arguments]: the log goes to build/test/LOG.json for count.py.
run_logged() {
	local log=$1 dir=$2 result=0
	shift 2
	/usr/bin/meson test -C "$dir" --no-rebuild --print-errorlogs --logbase "test-$log" "$@" ||
		result=$?
	mkdir -p build/test
	cp "$dir/meson-logs/test-$log.json" "build/test/$log.json" 2>/dev/null || true
	return "$result"
}

# suite NAME DIR [meson test arguments].  A few that fail beside the others are run once more,
# by themselves, unless a sanitizer or a signal ended them; the last lines of ./test name them.
suite() {
	local name=$1 dir=$2 result=0 failed=()
	shift 2
	run_logged "$name" "$dir" "$@" || result=$?
	[ "$result" -ne 0 ] || return 0
	mapfile -t failed < <("$PYTHON" ci/count.py --again "build/test/$name.json" | grep .)
	[ "${#failed[@]}" -gt 0 ] || return "$result"
	say "once more, alone: ${failed[*]}"
	run_logged "$name-again" "$dir" "${failed[@]}" --num-processes 1 -t 4
}
