#!/usr/bin/env bash
# Unpacks what pack.sh made, once, and runs check.mjs with it. Needs bash, tar, and xz or python3; no Node, no network, no rights.
#
#   bash start.sh FOLDER-OF-PARTS [--unpack-to DIR] [options of check.mjs, e.g. --out FILE.json --limit-s 240]
#
# TensorFlow opens CUDA 12's libraries by name. They are taken from the pack, else from COC_CUDA12 (a folder), else from
# python3's `nvidia` packages or /usr/local/cuda*; a library of CUDA 13 under the name of 12 is the last resort, and is said.
set -euo pipefail
[ $# -ge 1 ] && [ -d "$1" ] || { sed -n '2,7p' "$0"; exit 2; }
parts=$(cd "$1" && pwd); shift
place=${TMPDIR:-/tmp}/gpu-check
if [ "${1:-}" = --unpack-to ]; then place=$2; shift 2; fi
mkdir -p "$place"; place=$(cd "$place" && pwd)

say() { echo "start.sh: $*"; }
if [ ! -e "$place/complete" ]; then
  if command -v sha256sum >/dev/null; then
    (cd "$parts" && sha256sum --quiet -c gpu-check.sha256) || { say 'a part is missing or damaged: send it again'; exit 1; }
  fi
  say "unpacking to $place"
  if command -v xz >/dev/null; then
    cat "$parts"/gpu-check.part.* | xz -dc -T0 | tar -xf - -C "$place"
  else
    cat "$parts"/gpu-check.part.* |
      python3 -c 'import sys, tarfile; tarfile.open(fileobj=sys.stdin.buffer, mode="r|xz").extractall(sys.argv[1])' "$place"
  fi
  chmod +x "$place/node"
  : >"$place/complete"
fi

# Where libraries of CUDA may lie; found without error where there is none of it.
engine=$(ls -d "$place"/cache/native/tensorflow-*-gpu)
folders=("$engine/nvidia" "${COC_CUDA12:-}")
if command -v python3 >/dev/null; then
  while read -r folder; do folders+=("$folder"); done < <(python3 -c '
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

export COC_CACHE=$place/cache COC_NATIVE_FORM=gpu HOME=${HOME:-$place} TF_FORCE_GPU_ALLOW_GROWTH=true
export XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-$place}
# The pack's libraries come last: what the machine has goes with its driver.
system=$({ ldconfig -p || /sbin/ldconfig -p || true; } 2>/dev/null)
LD_LIBRARY_PATH=$links${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
[ ! -d /usr/local/nvidia/lib64 ] || LD_LIBRARY_PATH+=:/usr/local/nvidia/lib64
case $system in *libvulkan.so.1*) ;; *) LD_LIBRARY_PATH+=:$place/lib ;; esac
case $system in *libX11.so.6*) ;; *) case $LD_LIBRARY_PATH in *"$place/lib"*) ;; *) LD_LIBRARY_PATH+=:$place/lib ;; esac ;; esac
export LD_LIBRARY_PATH
# Vulkan's driver: the card's where it is described or at least installed, else the pack's in software.
if [ -z "${VK_DRIVER_FILES:-}" ]; then
  for described in /usr/share/vulkan/icd.d/nvidia_icd*.json /etc/vulkan/icd.d/nvidia_icd*.json \
    /usr/local/nvidia/share/vulkan/icd.d/nvidia_icd*.json; do
    [ ! -e "$described" ] || VK_DRIVER_FILES=$described
  done
  if [ -z "${VK_DRIVER_FILES:-}" ]; then
    case "$system$(ls /usr/local/nvidia/lib64 2>/dev/null || true)" in
      *libGLX_nvidia.so.0*)
        VK_DRIVER_FILES=$place/nvidia_icd.json
        printf '{"file_format_version": "1.0.0", "ICD": {"library_path": "libGLX_nvidia.so.0", "api_version": "1.3"}}\n' >"$VK_DRIVER_FILES"
        ;;
      *) [ ! -e "$place/lib/swiftshader.json" ] || VK_DRIVER_FILES=$place/lib/swiftshader.json ;;
    esac
  fi
  [ -z "${VK_DRIVER_FILES:-}" ] || export VK_DRIVER_FILES
fi
for egl in /usr/local/nvidia/share/glvnd/egl_vendor.d/10_nvidia.json; do
  [ ! -e "$egl" ] || export __EGL_VENDOR_LIBRARY_FILENAMES=${__EGL_VENDOR_LIBRARY_FILENAMES:-$egl}
done
say "Node $("$place/node" --version), Vulkan driver ${VK_DRIVER_FILES:-none}"
exec "$place/node" "$place/clone/test/gpu/check.mjs" "$@"
