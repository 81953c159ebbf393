#!/bin/bash
# Loads a server from four nodes: sbatch examples/scale/slurm.sh http://HOST:8000 [FLAGS]
# The working directory is one that all nodes see.
#SBATCH --job-name=loadgen
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=4
#SBATCH --time=00:30:00
#SBATCH --output=loadgen-%j.log
set -euo pipefail

url=${1:?the URL of the server}
shift
run=loadgen-${SLURM_JOB_ID:?start it with sbatch}

# Each task reads its rank and their number from the variables that srun sets.
srun --kill-on-bad-exit=0 --label \
  loadgen --base-url "$url" --wait-ready 10m --max-concurrency 256 --num-prompts 4096 \
  --barrier "$run" --disable-tqdm "$@"

loadgen merge --out "$run.json" "$run"
