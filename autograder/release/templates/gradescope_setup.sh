#!/usr/bin/env bash
# Builds the image that submissions are graded in. Gradescope runs it once, as root, after each
# upload; its output is the build log. What is graded in the image needs no network.
set -Eeuo pipefail
source=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
home=${AUTOGRADER_HOME:-/opt/autograder} # where everybody can read: student code has a user of its own
python=$home/bin/python
torch=@TORCH@
pip_options=(@PIP_OPTIONS@)

step="it began"
failed() {
  printf '\n%s\n' "setup.sh FAILED while $step (line $1)." \
    "The lines above say why. No submission can be graded with this image." >&2
}
trap 'failed $LINENO' ERR
doing() { step=$1; printf '\n== %s\n' "$step"; }
umask 022

doing "installing system packages"
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -y -q --no-install-recommends libseccomp2 ca-certificates

doing "looking for a Python from 3.11 to 3.13"
# Ubuntu 22.04's own is 3.10, but it has 3.11 beside it; Ubuntu 24.04 has 3.12
version=""
for candidate in 3.12 3.11 3.13; do
  if [ -n "$(apt-cache search --names-only "^python$candidate-venv\$")" ]; then
    version=$candidate
    break
  fi
done
if [ -z "$version" ]; then
  echo "This image's system has no Python from 3.11 to 3.13: choose Ubuntu 22.04 or later." >&2
  false
fi
apt-get install -y -q --no-install-recommends "python$version" "python$version-venv"
"python$version" -m venv --clear "$home"
"$python" --version

install() {
  "$python" -m pip install --no-cache-dir --disable-pip-version-check --no-input --quiet \
    --progress-bar off --root-user-action=ignore \
    "${pip_options[@]}" -c "$source/constraints.txt" "$@"
}

doing "installing PyTorch${torch:+ $torch}"
# the build for CPUs is a tenth of the size, where pip is told of a place that has it
if [ -n "$torch" ] && install "torch==$torch+cpu"; then
  echo "PyTorch's build for CPUs."
else
  printf '%s\n' "No build for CPUs where pip looks: taking the one for GPUs, some gigabytes more." \
    "For a small image, put into course.toml" \
    '    [gradescope]' \
    '    pip = ["--extra-index-url", "ADDRESS"]' \
    "with the address that PyTorch's installation page shows for pip and CPU, and release again."
  install torch
fi

doing "installing the autograder"
install "$source/"@WHEEL@

doing "compiling"
# at half a core, what is compiled here is not compiled before every submission
"$python" -m compileall -qq "$home/lib" || true # some files are for a later Python

doing "closing the course to everyone but root"
"$python" -c 'import sys; from autograder.reports.gradescope import failed; sys.stdout.buffer.write(failed())' \
  > "$source/failed.json"
chmod -R go= "$source"
# and the labels of the images that trainings are judged by
chmod -R go= "$("$python" -c 'from autograder.data import embedded_folder; print(embedded_folder())')"

doing "trying it on the course's own solutions"
trial=$(mktemp -d)
mkdir "$trial/submission"
cp "$source"/course/solutions/*.py "$trial/submission/"
began=$SECONDS
all_points='
import json, sys
rows = json.load(open(sys.argv[1]))["tests"]
sys.exit(any(row.get("score") != row["max_score"] for row in rows))'
if "$python" -m autograder gradescope --root "$trial" --course "$source/course" &&
  "$python" -c "$all_points" "$trial/results/results.json"; then
  echo "All points, after $((SECONDS - began)) s on the machine that built the image."
else
  printf '\n%s\n' "WARNING: the solutions did not get all points while the image was built." \
    "Where the lines above blame the sandbox or the time, that may differ when submissions are" \
    "graded: hand one in and see." >&2
fi
rm -rf "$trial"

doing "done"
