#!/bin/sh
# Trains with glibc's huge pages and without returning memory between steps:
# 0.39 s instead of 0.48 s per step on two Zen 4 cores. Arguments go to train.py.
export OMP_NUM_THREADS=1
export GLIBC_TUNABLES=glibc.malloc.hugetlb=1
export MALLOC_MMAP_THRESHOLD_=4294967296
export MALLOC_TRIM_THRESHOLD_=8589934592
export MALLOC_TOP_PAD_=268435456
exec nice -n 10 python3 "$(dirname "$0")/train.py" "$@"
