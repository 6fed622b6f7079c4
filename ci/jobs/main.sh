# The tests of the normal build.  main.sh [suite]; without one, all but the long ones.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/../suite.sh"

build build -Dtests=true
if [ $# -eq 0 ]; then
	# One more than there are processors: many tests wait for something most of the time.
	suite main build --no-suite soak --no-suite lint --num-processes $(($(nproc) + 1))
else
	suite "$1" build --suite "$1"
fi
