#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs what the first user's page says: every line of README.md's ```console blocks that begins with
# `$ ` (continued by a backslash), in order, in one shell, in a fresh copy of the tree. `git clone …`
# and the `cd` into it are that copy. As root `sudo` is dropped. A command that fails ends the run.
# Devices and addresses are made in a network namespace of this run's own: there sudo and curl run.
#   tools/readme-commands.sh [FILE.md]     --list only shows them
set -u
cd "$(dirname "$0")/.." || exit 2
tree=$PWD
page=README.md
list=0
for word in "$@"; do
  case $word in --list) list=1 ;; *) page=$word ;; esac
done
[ -f "$page" ] || { echo "$page is not there"; exit 77; }
work=$(mktemp -d)
ns=tctreadme$$
end() {
  ip netns pids "$ns" 2>/dev/null | xargs -r kill 2>/dev/null
  ip netns del "$ns" 2>/dev/null
  rm -rf "$work"
}
trap end EXIT

awk '/^```console/ { on = 1; next } /^```/ { on = 0; more = 0 }
  on && (more || /^\$ /) { line = $0; if (!more) sub(/^\$ /, "", line); print line; more = line ~ /\\$/ }
  ' "$page" >"$work/commands"
[ -s "$work/commands" ] || { echo "$page has no command in a console block"; exit 1; }
[ $list = 1 ] && { cat "$work/commands"; exit 0; }

# What git would clone, with what is not committed yet.
mkdir "$work/copy"
git ls-files -z --cached --others --exclude-standard | xargs -0 tar cf - --ignore-failed-read 2>/dev/null |
  tar xf - -C "$work/copy"
cp -r "$work/copy" "$work/tercet"
cd "$work/tercet" || exit 2
git init -q . 2>/dev/null

passed=0
{
  echo 'set -u'
  if [ "$(id -u)" = 0 ] && ip netns add "$ns" && ip -n "$ns" link set lo up; then
    echo "sudo() { ip netns exec $ns \"\$@\"; }"
    echo "curl() { ip netns exec $ns curl \"\$@\"; }"
  fi
  echo 'cd() { case "$1" in tercet) ;; *) builtin cd "$@" ;; esac; }'
  echo 'git() { case "$1" in clone) ;; *) command git "$@" ;; esac; }'
  n=0
  while IFS= read -r line || [ -n "$line" ]; do
    # `make check` here would check itself in a circle only if it ran the README; it does not.
    n=$((n + 1))
    case $line in
      *\\) command="${command-}$line"$'\n'; continue ;;
    esac
    command="${command-}$line"
    printf 'printf "%%s\\n" %q >&3\n' "\$ ${command//$'\n'/ }"
    printf '%s\n' "$command"
    printf '[ $? = 0 ] || { echo "failed: "%q >&3; exit 1; }\n' "${command//$'\n'/ }"
    command=
  done <"$work/commands"
} >"$work/script"
grep -c '^printf' "$work/script" >"$work/wanted"
timeout 1500 bash "$work/script" 3>"$work/said" >"$work/out" 2>&1 </dev/null
code=$?
cat "$work/said"
passed=$(grep -c '^\$ ' "$work/said")
if [ $code != 0 ]; then
  tail -n 25 "$work/out"
  echo "$((passed > 0 ? passed - 1 : 0)) passed, 1 failed"
  exit 1
fi
cd "$tree" || exit 2
echo "$passed passed, 0 failed"
