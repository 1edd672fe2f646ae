#!/usr/bin/env bash
# Smoke runs on every supported version of Node, two beside each other.
set -euo pipefail
versions="${*:-20.19 22 24 26}"
printf '%s\n' $versions | xargs -P 2 -n 1 bash "$(dirname "$0")/node.sh"
echo "smoke runs passed on Node $versions"
