# What must never slip in the sources; see ci/lint.py.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/../suite.sh"

build build -Dtests=true
suite lint build --suite lint
