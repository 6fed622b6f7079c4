# A short run of every libFuzzer harness over its corpus.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/../suite.sh"

CC=clang build build-fuzz -Dtests=true -Dfuzz=true -Db_lundef=false -- fuzz
suite fuzz build-fuzz --suite fuzz
