# Address and undefined-behaviour sanitizers over the tests that run inside one process, and the
# SDK with its workers, which end in order so that what they leave behind is seen.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/../suite.sh"

build build-san -Dtests=true -Db_sanitize=address,undefined -- unit conformance sdk
ASAN_OPTIONS=abort_on_error=0:detect_leaks=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
	suite san build-san --suite unit --suite conformance --suite sdk -t 4
