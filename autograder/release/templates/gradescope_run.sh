#!/usr/bin/env bash
# Grades one submission. Gradescope runs it as /autograder/run_autograder, in a new container; what
# it prints is for instructors.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=${AUTOGRADER_HOME:-/opt/autograder}/bin/python
results=$root/results/results.json
export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE OPENBLAS_NUM_THREADS=1
# tensors come and go: what is freed is to go back at once, at 768 MB (150 MB less at the peak)
export MALLOC_ARENA_MAX=1 MALLOC_MMAP_THRESHOLD_=65536 MALLOC_TRIM_THRESHOLD_=65536

mkdir -p "$root/results"
# it says that the autograder failed, which is so until there is a result
cp "$root/source/failed.json" "$results"
timeout --preserve-status --kill-after=5 @SECONDS@ \
  "$python" -m autograder gradescope --root "$root" --course "$root/source/course"
status=$?
case $status in
  0 | 3) ;; # graded; or not, and the results say so
  *)
    echo "The autograder ended with status $status (137: out of memory, or killed)." >&2
    cp "$root/source/failed.json" "$results"
    ;;
esac
exit $status
