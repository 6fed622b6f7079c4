# A smoke suite in an emulated machine with Debian 12's own kernel, 6.1; what it runs is in
# ci/guest/tests.list, or RHODES_GUEST_TESTS.  Never part of ./test without a name.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/../suite.sh"

need guest
build build -Dtests=true
bash ci/guest/kernel.sh build/guest
rm -rf build/guest/out
mkdir -p build/guest/out build/meson-logs build/test
say "${RHODES_GUEST_TESTS-$(grep '^[^#]' ci/guest/tests.list)}" >build/guest/runs
# The guest must not outlive who asked for it, however that ends.
exec setpriv --pdeathsig TERM "$PYTHON" ci/guest/boot.py --build build --parent "$PPID"
