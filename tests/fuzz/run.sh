#!/usr/bin/env bash
# run.sh FUZZER CORPUS: the corpus once, then FUZZ_SECONDS (3) of new inputs from it.
# What is found new stays in a folder that goes away; a crash leaves its input here.
set -euo pipefail
found=$(mktemp -d)
trap 'rm -rf "$found"' EXIT
"$1" -max_total_time="${FUZZ_SECONDS:-3}" -timeout=10 -rss_limit_mb=1024 -max_len=65536 \
	-print_final_stats=1 "$found" "$2"
