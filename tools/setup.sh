#!/usr/bin/env bash
# Makes a machine ready to build (default), to test (--test), to check style (--lint) or to make the documentation site
# (--docs): Debian packages, then a virtual environment of our own in .venv with pinned versions. Safe to run again: finished steps are
# recognised by their stamp, interrupted ones are done over. Nothing outside this folder is touched
# but the Debian packages, which need root.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=.venv

# debian_packages FILE: installs the packages that FILE names.
debian_packages() {
  command -v dpkg-query >/dev/null || return 0   # not a Debian system: the compiler will tell
  local missing=()
  for name in $(cat "$1"); do
    dpkg-query -W -f='${Status}' "$name" 2>/dev/null | grep -q 'ok installed' || missing+=("$name")
  done
  ((${#missing[@]})) || return 0
  local line="apt-get update && apt-get install -y --no-install-recommends ${missing[*]}"
  if [ "$(id -u)" -ne 0 ]; then
    echo "setup: some Debian packages are missing; please type:" >&2
    echo "  sudo sh -c '$line'" >&2
    exit 1
  fi
  echo "setup: installing ${missing[*]}"
  DEBIAN_FRONTEND=noninteractive sh -c "$line" >/dev/null
}

# requirements NAME FILE OPTIONS...: installs FILE into the environment unless its stamp says it is there.
requirements() {
  local stamp="$venv/.$1-$(cat constraints.txt "$2" | sha256sum | cut -c1-16)"
  [ -f "$stamp" ] && return 0
  echo "setup: installing $2 into $venv (a minute or two)"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -c constraints.txt "${@:3}" -r "$2"
  touch "$stamp"
}

# page_tools: what checks and builds the studio's page, where there is a node that can; the stored page needs none.
page_tools() {
  command -v npm >/dev/null || return 0
  local stamp="web/node_modules/.stamp-$(sha256sum <web/package-lock.json | cut -c1-16)"
  [ -f "$stamp" ] && return 0
  echo "setup: installing the tools of web/"
  npm ci --silent --prefix web --no-audit --no-fund || { echo "setup: npm failed; the page is not checked" >&2; return 0; }
  touch "$stamp"
}

debian_packages debian-packages.txt
if ! "$venv/bin/python" -c 'import sys' 2>/dev/null; then
  rm -rf "$venv"
  "${PYTHON:-python3}" -m venv "$venv"
fi
requirements run requirements.txt
if [ "${1:-}" = --test ]; then
  debian_packages debian-packages-test.txt
  page_tools
  requirements test requirements-test.txt
  requirements test-alone requirements-test-alone.txt --no-deps
elif [ "${1:-}" = --lint ]; then
  debian_packages debian-packages-lint.txt
  requirements lint requirements-lint.txt
elif [ "${1:-}" = --docs ]; then
  debian_packages debian-packages-docs.txt
  requirements docs requirements-docs.txt
fi
