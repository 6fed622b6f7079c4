# Breaks the sources, one place at a time; a named test must fail.  Takes a while; never
# part of ./test without a name.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/../suite.sh"

mkdir -p build/test
tests/mutations/mutate.py --in build-mutations --log build/test/mutations.json
