# ThreadSanitizer over the code that two processes run on one page.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/../suite.sh"

build build-race -Dtests=true -Db_sanitize=thread -- race
TSAN_OPTIONS=halt_on_error=1 suite race build-race --suite race -t 4
