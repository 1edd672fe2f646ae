#!/usr/bin/env bash
# Packs what check.mjs needs for a Linux x64 machine with an NVIDIA card and nothing else: no Node, no network, no rights.
#
#   test/gpu/pack.sh OUTDIR [--part-mib N] [--archs 80,90] [--cuda DIR] [--swiftshader DIR] [--no-gl] [--level N]
#
#   --part-mib N        the pack is cut into parts of at most N MiB (default 34)
#   --archs LIST        keep machine code of TensorFlow for these cards only (70 V100, 80 A100, 89 L4, 90 H100); default all
#   --cuda DIR          pack all of NVIDIA's libraries: a folder made by `pip install --no-deps --target DIR nvidia-...-cu12`
#                       (1.3 GiB and more; without it the machine's own are linked, and only the runtime library is packed)
#   --swiftshader DIR   where libvk_swiftshader.so lies (default /usr/lib/chromium), for WebGPU without a card
#   --no-gl             leave Vulkan's loader and the X libraries out; else they come from Debian's packages (apt-get download)
#   --level N           of xz (default 6)
#
# Needs here: `npm ci`, `npx coc native install --gpu`, xz, strip, python3 with pip. Then send the parts with start.sh, and run there
#   bash start.sh FOLDER-OF-PARTS [options of check.mjs]
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
fail() { echo "pack.sh: $*" >&2; exit 1; }
[ $# -ge 1 ] && [ "${1#--}" = "$1" ] || { sed -n '2,17p' "$0"; exit 2; }
out=$(realpath -m "$1"); shift
part=34 archs='' cuda='' shader=/usr/lib/chromium gl=1 level=6
while [ $# -gt 0 ]; do
  case $1 in
    --part-mib) part=$2; shift 2 ;;
    --archs) archs=$2; shift 2 ;;
    --cuda) cuda=$(realpath "$2"); shift 2 ;;
    --swiftshader) shader=$2; shift 2 ;;
    --no-gl) gl=0; shift ;;
    --level) level=$2; shift 2 ;;
    *) fail "no option $1" ;;
  esac
done
cd "$root"
node src/cli/coc.cjs build
cache=${COC_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/cost-of-consistency}
engine=$(cd "$cache/native" 2>/dev/null && ls -d tensorflow-*-gpu 2>/dev/null | tail -1) || true
[ -n "$engine" ] || fail "no native TensorFlow for cards in $cache/native: run \`npx coc native install --gpu\` first"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
pack=$work/pack
mkdir -p "$pack/clone" "$pack/lib" "$out"

echo 'Node, and what of the clone computes'
cp "$(readlink -f "$(command -v node)")" "$pack/node"
strip --strip-all "$pack/node"
git describe --always --dirty --abbrev=12 >"$pack/clone/COMMIT" 2>/dev/null || echo unknown >"$pack/clone/COMMIT"
cp -r dist package.json "$pack/clone/"
mkdir -p "$pack/clone/test/bench" "$pack/clone/test/gpu"
cp test/bench/engine-steps.cjs test/bench/engine_steps.py "$pack/clone/test/bench/"
cp test/gpu/*.mjs "$pack/clone/test/gpu/"
node test/gpu/pack-modules.mjs "$pack/clone"

echo "TensorFlow ($engine)"
target=$pack/cache/native/$engine
mkdir -p "$target/tensorflow"
cp -r "$cache/native/$engine"/binding-* "$target/"
for library in cc framework; do
  name=libtensorflow_$library.so.2
  cp "$cache/native/$engine/tensorflow/$name" "$target/tensorflow/"
  [ -z "$archs" ] || python3 test/gpu/keep-archs.py "$target/tensorflow/$name" "$archs"
  strip --strip-all "$target/tensorflow/$name"
done
# The cache knows its files by their sizes: stripped libraries have others.
node -e '
  const fs = require("node:fs"), [from, dir] = process.argv.slice(1);
  const mark = JSON.parse(fs.readFileSync(`${from}/unpacked.json`, "utf8"));
  const kept = Object.keys(mark.files).filter((name) => fs.existsSync(`${dir}/../${name}`));
  mark.files = Object.fromEntries(kept.map((name) => [name, fs.statSync(`${dir}/../${name}`).size]));
  fs.writeFileSync(`${dir}/unpacked.json`, JSON.stringify(mark));
' "$cache/native/$engine/tensorflow" "$target/tensorflow"
echo "NVIDIA's runtime library"
# Its functions are looked up with their versions: no other release can take its place.
runtime=$(node -p 'require("./dist/backends/native/recipe.js").recipe.cuda.filter((w) => w.project.includes("cuda-runtime")).map((w) => `${w.project}==${w.version}`).join()')
python3 -m pip download -q --no-deps -d "$work/wheels" "$runtime" || fail "pip has no $runtime"
(cd "$work/wheels" && python3 -m zipfile -e ./*.whl x) && cp -r "$work/wheels/x/nvidia" "$target/"
rm -rf "$target"/nvidia/*/include
if [ -n "$cuda" ]; then
  [ -d "$cuda/nvidia" ] || fail "no folder nvidia in $cuda"
  echo "NVIDIA's other libraries"
  (cd "$cuda" && find nvidia -name '*.so*' -type f -print0 | tar -cf - --null -T -) | tar -xf - -C "$target"
fi

if [ $gl = 1 ]; then
  echo "Vulkan's loader and X libraries"
  mkdir "$work/debs"
  (cd "$work/debs" && apt-get -qq download libvulkan1 libegl1 libglvnd0 libopengl0 libgl1 libglx0 libgles2 \
    libx11-6 libxext6 libxcb1 libxau6 libxdmcp6 libbsd0 libmd0) ||
    fail 'apt-get download failed: run it on Debian or Ubuntu, or give --no-gl'
  for deb in "$work"/debs/*.deb; do dpkg -x "$deb" "$work/x"; done
  find "$work/x" -name '*.so.*' -exec cp -a {} "$pack/lib/" \;
fi
if [ -e "$shader/libvk_swiftshader.so" ]; then
  cp "$shader/libvk_swiftshader.so" "$pack/lib/"
  printf '{"file_format_version": "1.0.0", "ICD": {"library_path": "./libvk_swiftshader.so", "api_version": "1.0.5"}}\n' \
    >"$pack/lib/swiftshader.json"
else
  echo "no SwiftShader in $shader: without a card, WebGPU will not be tried"
fi

echo 'parts'
rm -f "$out"/gpu-check.part.*
tar -C "$pack" --sort=name --owner=0 --group=0 --mtime=@0 -cf - . | xz -T0 "-$level" | split -b "${part}m" -a 3 -d - "$out/gpu-check.part."
cp test/gpu/start.sh "$out/"
(cd "$out" && sha256sum gpu-check.part.* >gpu-check.sha256)
du -sh --apparent-size "$pack" | cut -f1 | sed 's/$/ unpacked/'
ls -l "$out" | awk '/part/ { n++; s += $5 } END { printf "%d parts, %.0f MiB in all\n", n, s / 1048576 }'
