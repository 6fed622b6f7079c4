# The tests of the normal build.  main.sh [suite]; without one, all but the long ones.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/../suite.sh"

build build -Dtests=true
if [ $# -eq 0 ]; then
	suite main build --no-suite soak --no-suite lint
else
	suite "$1" build --suite "$1"
fi
