# The long runs; never part of ./test without a name.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/../suite.sh"

build build -Dtests=true
suite soak build --suite soak -t 0
