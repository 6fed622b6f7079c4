# The other compiler: everything compiles without a warning, and the unit tests pass.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/../suite.sh"

CC=clang build build-clang -Dtests=true
suite clang build-clang --suite unit --suite conformance
