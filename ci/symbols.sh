#!/usr/bin/env bash
# symbols.sh ARCHIVE...: fails when an archive of model/ needs anything that a kernel does
# not have.  Beyond its own symbols it may use only mem* and rh_check_failed; the build for
# Linux also what the compiler puts in by itself: hardening, sanitizers, coverage, and bcmp
# where memcmp is only asked for equality.
set -euo pipefail

needs='mem(cpy|move|set|cmp|chr)|rh_check_failed'
hardening='bcmp|__stack_chk_fail|__mem(cpy|move|set)_chk|_GLOBAL_OFFSET_TABLE_'
instrument='__(a|ub|t)san_.*|__asan_.*|__tsan_.*|__sanitizer_.*|__gcov_.*|__llvm_.*|__start___.*|__stop___.*'

failed=0
for archive in "$@"; do
	[ -s "$archive" ] || { echo "$archive: not there"; exit 1; }
	case $archive in
	*freestanding*) allowed="^($needs)\$" ;;
	*) allowed="^($needs|$hardening|$instrument)\$" ;;
	esac
	defined=$(nm --defined-only -f posix "$archive" | awk 'NF >= 2 && $1 !~ /:$/ { print $1 }')
	[ -n "$defined" ] || { echo "$archive: defines nothing"; exit 1; }
	alien=$(nm -u -f posix "$archive" | awk '$2 == "U" || $2 == "w" { print $1 }' | sort -u |
		grep -vxF "$defined" | grep -vE "$allowed" || true)
	[ -z "$alien" ] && continue
	printf '%s: not allowed in model/:\n%s\n' "$archive" "$alien"
	failed=1
done
exit "$failed"
