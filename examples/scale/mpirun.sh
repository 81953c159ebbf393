#!/bin/bash
# Loads a server from four processes: examples/scale/mpirun.sh http://HOST:8000 [FLAGS]
# With several hosts (mpirun --host a,b,c,d) the working directory is one that all of them see.
set -euo pipefail

url=${1:?the URL of the server}
shift
run=${RUN:-loadgen-$(date +%Y%m%d-%H%M%S)}

# shellcheck disable=SC2086 # several words
mpirun -n 4 ${MPIRUN_FLAGS:-} \
  loadgen --base-url "$url" --max-concurrency 64 --num-prompts 512 --barrier "$run" --disable-tqdm "$@"

loadgen merge --out "$run.json" "$run"
