#!/usr/bin/env bash
# Unpacks the archives that `coc gpu-suite --pack` made, once, and runs the suite. Needs bash, tar, and xz or python3; no Node, no
# network, no rights.
#
#   bash start.sh [--parts DIR] [--unpack-to DIR] [options of `coc gpu-suite`, e.g. --limit 540]
#
#   --parts DIR      where the parts lie (default: beside this script); without those of tensorflow, webgpu alone is measured
#   --unpack-to DIR  default ${TMPDIR:-/tmp}/card-suite; what was unpacked and what was measured is found again there
#   --only-unpack    check and unpack what is there, and run nothing
#
# The record is left in the folder of --out, else in $OUT/card-suite, else in ./card-suite. COC_PYTHON names a Python with PyTorch.
# TensorFlow opens CUDA 12's libraries by name. They are taken from the pack, else from COC_CUDA12 (a folder), else from python3's
# `nvidia` packages or /usr/local/cuda*; a library of another CUDA under the name of 12 is the last resort, and is said.
set -euo pipefail
say() { echo "start.sh: $*" >&2; }
fail() { say "$*"; exit 1; }
parts=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
place=${TMPDIR:-/tmp}/card-suite only_unpack=0
while [ $# -gt 0 ]; do
  case $1 in
    --parts) parts=$(cd "$2" && pwd); shift 2 ;;
    --unpack-to) place=$2; shift 2 ;;
    --only-unpack) only_unpack=1; shift ;;
    *) break ;;
  esac
done
mkdir -p "$place"; place=$(cd "$place" && pwd)
python=${COC_PYTHON:-$(command -v python3 || true)}

check() { # ARCHIVE: whether all of its parts are there and whole
  (
    cd "$parts"
    if command -v sha256sum >/dev/null; then sha256sum --quiet -c "$1.sha256"; else
      "$python" - "$1.sha256" <<'P'
import hashlib, sys
for line in open(sys.argv[1]):
    want, name = line.split()
    if hashlib.sha256(open(name, 'rb').read()).hexdigest() != want:
        sys.exit(f'{name}: FAILED')
P
    fi
  ) >&2
}
unpack() { # ARCHIVE
  [ ! -e "$place/$1.complete" ] || return 0
  check "$1" || fail "a part of $1 is missing or damaged: send it again"
  say "unpacking $1 to $place"
  if command -v xz >/dev/null; then
    cat "$parts/$1".part.* | xz -dc -T0 | tar -xf - -C "$place"
  elif [ -n "$python" ]; then
    cat "$parts/$1".part.* |
      "$python" -c 'import sys, tarfile; tarfile.open(fileobj=sys.stdin.buffer, mode="r|xz").extractall(sys.argv[1])' "$place"
  else
    fail 'neither xz nor python3 is there to unpack with'
  fi
  : >"$place/$1.complete"
}
[ -e "$parts/webgpu.sha256" ] || [ -e "$place/webgpu.complete" ] || fail "no webgpu.sha256 in $parts: --parts names the folder"
unpack webgpu
shopt -s nullglob
present=("$parts"/tensorflow.part.*)
if [ -e "$place/tensorflow.complete" ] || { [ ${#present[@]} -gt 0 ] && [ -e "$parts/tensorflow.sha256" ]; }; then
  unpack tensorflow
else
  say 'no parts of tensorflow: webgpu alone is measured'
fi
[ $only_unpack = 0 ] || exit 0

# Where libraries of CUDA may lie; found without error where there is none of it.
engines=("$place"/cache/native/tensorflow-*-gpu)
folders=(${engines[0]:+"${engines[0]}/nvidia"} "${COC_CUDA12:-}")
if [ -n "$python" ]; then
  while read -r folder; do folders+=("$folder"); done < <("$python" -c '
import importlib.util
spec = importlib.util.find_spec("nvidia")
print(*(spec.submodule_search_locations if spec else []), sep="\n")' 2>/dev/null || true)
fi
folders+=(/usr/local/cuda-12*/lib64 /usr/local/cuda/lib64 /usr/local/cuda/targets/x86_64-linux/lib)
links=$place/links
rm -rf "$links"; mkdir "$links"
missing=()
find_library() { # NAME VERSION: the file, of exactly that version or of any
  local folder found
  for folder in "${folders[@]}"; do
    [ -n "$folder" ] && [ -d "$folder" ] || continue
    found=$(find -L "$folder" -name "$1.so.$2" 2>/dev/null | sort | tail -1)
    [ -z "$found" ] || { echo "$found"; return; }
  done
}
if [ -e "$place/tensorflow.complete" ]; then
  for want in cudart:12 cublas:12 cublasLt:12 cufft:11 cusolver:11 cusparse:12 cudnn:9 cupti:12 nccl:2 nvJitLink:12; do
    name=lib${want%:*} version=${want#*:}
    found=$(find_library "$name" "$version")
    if [ -z "$found" ]; then
      found=$(find_library "$name" '[0-9]*')
      [ -z "$found" ] || say "$name.so.$version: none; $found takes its place, which may fail"
    fi
    if [ -n "$found" ]; then ln -s "$found" "$links/$name.so.$version"; else missing+=("$name.so.$version"); fi
  done
  [ ${#missing[@]} = 0 ] || say "not found, so TensorFlow will not use a card: ${missing[*]}"
fi

export COC_CACHE=$place/cache COC_NATIVE_FORM=gpu HOME=${HOME:-$place} TF_FORCE_GPU_ALLOW_GROWTH=true
export XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-$place}
# The pack's libraries come last: what the machine has goes with its driver.
system=$({ ldconfig -p || /sbin/ldconfig -p || true; } 2>/dev/null)
LD_LIBRARY_PATH=$links${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
[ ! -d /usr/local/nvidia/lib64 ] || LD_LIBRARY_PATH+=:/usr/local/nvidia/lib64
case $system in *libvulkan.so.1*libX11.so.6* | *libX11.so.6*libvulkan.so.1*) ;; *) LD_LIBRARY_PATH+=:$place/lib ;; esac
export LD_LIBRARY_PATH
# Vulkan's driver: the card's, where it is described or at least installed.
if [ -z "${VK_DRIVER_FILES:-}" ]; then
  for described in /usr/share/vulkan/icd.d/nvidia_icd*.json /etc/vulkan/icd.d/nvidia_icd*.json \
    /usr/local/nvidia/share/vulkan/icd.d/nvidia_icd*.json; do
    VK_DRIVER_FILES=$described
  done
  if [ -z "${VK_DRIVER_FILES:-}" ]; then
    case "$system$(ls /usr/local/nvidia/lib64 2>/dev/null || true)" in
      *libGLX_nvidia.so.0*)
        VK_DRIVER_FILES=$place/nvidia_icd.json
        printf '{"file_format_version": "1.0.0", "ICD": {"library_path": "libGLX_nvidia.so.0", "api_version": "1.3"}}\n' >"$VK_DRIVER_FILES"
        ;;
    esac
  fi
fi
[ -z "${VK_DRIVER_FILES:-}" ] || export VK_DRIVER_FILES
for egl in /usr/local/nvidia/share/glvnd/egl_vendor.d/10_nvidia.json; do
  [ ! -e "$egl" ] || export __EGL_VENDOR_LIBRARY_FILENAMES=${__EGL_VENDOR_LIBRARY_FILENAMES:-$egl}
done
out=(--out "${OUT:-.}/card-suite")
for option in "$@"; do case $option in --out | --out=*) out=() ;; esac; done
say "Node $("$place/node" --version), Vulkan driver ${VK_DRIVER_FILES:-none}, Python ${python:-none}"
exec "$place/node" -e 'require(process.argv[1]).main(process.argv.slice(2))' -- "$place/clone/dist/cli/main.js" gpu-suite ${out[@]+"${out[@]}"} "$@"
