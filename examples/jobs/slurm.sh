#!/bin/bash
# dynedge eval as a Slurm array, one part a task, then a job that merges them:
#
#   parts=$(sbatch --parsable slurm.sh net.safetensors /data/val results)
#   sbatch --dependency=afterok:"$parts" --wrap "dynedge eval --merge results/eval-*.json --html results/page.html"
#
# Node 20 or later and dynedge must be on the PATH of the nodes, and the results on a file system that they share.
#SBATCH --job-name=dynedge-eval
#SBATCH --array=1-16
#SBATCH --cpus-per-task=8
#SBATCH --mem=4G
#SBATCH --time=01:00:00
set -euo pipefail

bundle=$1 images=$2 results=$3
mkdir -p "$results"
exec dynedge eval "$bundle" "$images" \
  --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" \
  --json "$results/eval-$SLURM_ARRAY_TASK_ID.json" \
  --workers "$SLURM_CPUS_PER_TASK" --variant simd
