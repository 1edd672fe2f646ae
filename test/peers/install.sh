#!/usr/bin/env bash
# Install the programs that tests compare with: test/peers/install.sh VENV_DIR
# Afterwards COC_PYTHON=VENV_DIR/bin/python is what the tests want. A second run takes no time.
set -euo pipefail
[ $# -eq 1 ] || { echo "usage: $0 VENV_DIR" >&2; exit 2; }
venv=$1
here=$(cd "$(dirname "$0")" && pwd)

# Chromium is driven by tests of the kernel and the pages, poppler reads back the paper, native TensorFlow's binding is compiled.
packages=()
command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || packages+=(chromium)
command -v pdftotext >/dev/null || packages+=(poppler-utils)
command -v g++ >/dev/null || command -v c++ >/dev/null || command -v clang++ >/dev/null || packages+=(g++)
command -v python3 >/dev/null || packages+=(python3)
python3 -c 'import venv, ensurepip' 2>/dev/null || packages+=(python3-venv)
if [ ${#packages[@]} -gt 0 ]; then
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "missing: ${packages[*]}. Install them (Debian, Ubuntu: sudo apt install ${packages[*]}) and run this again." >&2
    exit 1
  fi
  apt-get update -q
  DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${packages[@]}"
fi

# The stamp is written last: an environment that was interrupted half-way is made anew.
wanted="$(python3 --version) $(cat "$here/requirements.txt" "$here/requirements-no-deps.txt")"
if [ "$(cat "$venv/.coc-peers" 2>/dev/null)" = "$wanted" ] && "$venv/bin/python" -c '' 2>/dev/null; then
  exit 0
fi
python3 -m venv --clear "$venv"
pip=("$venv/bin/python" -m pip install -q --disable-pip-version-check --no-input)
"${pip[@]}" -r "$here/requirements.txt"
"${pip[@]}" --no-deps -r "$here/requirements-no-deps.txt"
printf '%s\n' "$wanted" >"$venv/.coc-peers"
