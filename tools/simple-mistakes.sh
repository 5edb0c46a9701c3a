#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Greps for mistakes that a compiler lets pass. Each finding prints where, why it is one, and what to
# write instead. Comments do not count as code. A line that is right all the same says so: a comment
# with the words `not a mistake: REASON`.
set -u
cd "${TCT_TREE:-$(dirname "$0")/..}" || exit 2
export LC_ALL=C.UTF-8
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
found=$work/found

list() { find "$@" -name '*.[ch]' 2>/dev/null | sort; }
all=$(list include core drivers record host sim drill packetdrill cli test examples bench model)
[ -n "$all" ] || { echo "simple-mistakes: no C file below $PWD" >&2; exit 2; }

# A mirror of the tree without comments and with empty string literals; line numbers stay.
mkdir "$work/code"
# shellcheck disable=SC2086 # a list of files without spaces
awk -v out="$work/code" '
  FNR == 1 { inside = 0; name = FILENAME; gsub("/", "%", name); name = out "/" name }
  {
    line = $0; kept = ""
    excused = line ~ /not a mistake:/
    while (line != "") {
      if (inside) {
        end = index(line, "*/")
        if (!end) break
        line = substr(line, end + 2); inside = 0
      } else if (match(line, /"([^"\\]|\\.)*"|\x27([^\x27\\]|\\.)*\x27|\/\*|\/\//)) {
        token = substr(line, RSTART, 2)
        if (token == "//") { kept = kept substr(line, 1, RSTART - 1); break }
        kept = kept substr(line, 1, RSTART - 1)
        if (token != "/*") kept = kept (substr(token, 1, 1) == "\"" ? "\"\"" : "\x27\x27")
        line = substr(line, RSTART + (token == "/*" ? 2 : RLENGTH))
        inside = token == "/*"
      } else { kept = kept line; break }
    }
    print excused ? "" : kept > name
  }' $all

# mistake DIRS PATTERN WHY REMEDY [HOME]: extended regular expression over the code without comments;
# HOME is the one file whose business it is.
mistake() {
  local dirs=$1 pattern=$2 why=$3 remedy=$4 home=${5-nowhere} hit=
  for dir in $dirs; do
    hit=$hit$(cd "$work/code" && grep -nE -- "$pattern" "${dir//\//%}"* 2>/dev/null /dev/null |
      tr % / | grep -v "^$home:")$'\n'
  done
  tell "$hit" "$why" "$remedy"
}

tell() { # HITS WHY REMEDY
  local hits
  hits=$(printf '%s\n' "$1" | grep -v '^$')
  [ -n "$hits" ] || return
  { printf '%s\n' "$hits" | head -n 12; printf '  why: %s\n  do:  %s\n\n' "$2" "$3"; } >>"$found"
}

code='core/ drivers/ host/ sim/ drill/ packetdrill/ cli/ examples/ bench/'
w='(^|[^._>a-zA-Z0-9])' # the start of a plain name, not of a member

# -- what the core must not know -------------------------------------------------------------------
mistake core/ "$w(malloc|calloc|realloc|free|alloca|printf|fprintf|snprintf|sprintf|puts|abort|exit|getenv|time|clock_gettime|rand|random|strlen|strcmp|strncmp|strcpy|strchr|memchr|qsort|bsearch)\(" \
  "the core has no C library but memcpy memmove memset memcmp" \
  "memory by the config's allocator, time as an argument, news as events and verdicts"
mistake core/ "$w(float|double)([^a-zA-Z0-9_]|$)" \
  "floating point differs between machines" "integers in a named unit; tct_mul_div for ratios"
mistake core/ "__int128|_BitInt" "wasm32 and 32-bit machines lack it" "tct_mul_div of util/mem.h"
mistake core/ "${w}assert\(" "<assert.h> prints and aborts" "TCT_ASSERT or TCT_CHECKED of util/assert.h"
tell "$(cd "$work/code" && grep -nE '^ *static [^()]*(=|;)' core%* 2>/dev/null | grep -vE 'const|_assert' | tr % /)" \
  "variables outside a stack: several stacks may live side by side" \
  "a field of the struct that owns it; tables are static const"

# -- numbers ---------------------------------------------------------------------------------------
mistake core/ 'sizeof *\(?[a-zA-Z_.>-]+\)? */ *sizeof' "the division goes wrong silently on a pointer" \
  "TCT_ARRAY_LEN of util/mem.h" core/util/mem.h
n='[a-zA-Z0-9_.>-]*(seq|una|nxt)'
mistake core/tcp/ "([^a-zA-Z0-9_]|^)$n (<|>)=? |[^-] (<|>)=? $n([^a-zA-Z0-9_(]|$)" \
  "sequence numbers wrap: < is wrong half of the time" "tct_seq_lt leq gt geq between of util/seq.h"
mistake 'core/tcp/ core/ip/ core/sock/ core/udp/' '(^|[^a-zA-Z0-9_])now(_ns)? - ' \
  "a time before the first one becomes a huge number" "tct_time_sub of util/time.h: floor at zero"
mistake core/ 'TCT_NEVER *[-+]|[-+] *TCT_NEVER' "arithmetic on TCT_NEVER gives a real time" "test for TCT_NEVER first" \
  core/util/time.h
mistake core/ '(^|[^a-zA-Z0-9_])now [=!]= |[a-zA-Z0-9_] [=!]= now([^a-zA-Z0-9_]|$)' \
  "clocks jump over single nanoseconds: equal times are luck" "<= or >="

# -- C -----------------------------------------------------------------------------------------------
mistake "$code" "$w(strcpy|strcat|sprintf|vsprintf|gets|strtok|atoi|atol|strncpy)\(" \
  "no bound, no error, or hidden state" "snprintf, strtol with its end checked, memcpy with a length"
tell "$(cd "$work/code" && grep -nE '^static [^=;]*[^a-zA-Z0-9_]tct_[a-z0-9_]+\(' core%*.c 2>/dev/null | tr % /)" \
  "the prefix promises a function that others can call" "file-static functions begin with a verb, no prefix"
mistake 'core/ drivers/ host/ sim/ drill/ cli/' '\( *(int|void) *\)? *memcmp\([^,]*sizeof\(struct' \
  "padding has no defined bytes" "compare the fields"

# -- names: a function is found in the file that it is named after ------------------------------------
for file in $(list core | grep '\.c$'); do
  stem=$(basename "$file" .c)
  part=$(basename "$(dirname "$file")")
  mirror=$work/code/${file//\//%}
  grep -noE '^[a-z][a-zA-Z0-9_ *]*[ *]tct_[a-z0-9_]+\(' "$mirror" 2>/dev/null | grep -v ':static' |
    sed 's/^\([0-9]*\):.*[ *]\(tct_[a-z0-9_]*\)($/\1 \2/' | while read -r line name; do
    case $name in "tct_$stem" | "tct_$stem"[_0-9]* | "tct_${part}_$stem" | "tct_${part}_${stem}_"*) continue ;; esac
    # what a layer offers the others is declared in stack.h and named after the layer alone
    grep -qE "[ *]$name\(" core/stack.h core/udp/udp.h 2>/dev/null && [[ $name == "tct_${part}_"* ]] && continue
    grep -qE "TCT_API[^;]*[ *]$name\(" include/tercet/*.h 2>/dev/null && continue
    echo "$file:$line: $name"
  done
done >"$work/names"
tell "$(cat "$work/names")" "its name says that it lives in another file" \
  "tct_<file>_… or tct_<directory>_<file>_…; or move it"

# -- how a file looks ----------------------------------------------------------------------------------
for file in $all; do
  mirror=$work/code/${file//\//%}
  head -n 2 "$file" | grep -q 'SPDX-License-Identifier: MIT' || echo "$file: no SPDX line" >>"$work/first"
  sed -n 2,8p "$file" | grep -q '[a-zA-Z]\{3,\}.* .* ' && sed -n 2,3p "$file" | grep -q '^ *\(/\*\|\*\|//\)' ||
    echo "$file: no first comment" >>"$work/first"
  lines=$(wc -l <"$file")
  [ "$lines" -le 600 ] || echo "$file: $lines lines" >>"$work/long"
  grep -nE '^.{101,}$' "$file" | sed "s|^\([0-9]*\):.*|$file:\1|" >>"$work/wide"
  grep -nE "$(printf '\t')|[[:space:]]$|$(printf '\r')" "$file" | sed "s|^\([0-9]*\):.*|$file:\1|" >>"$work/space"
  # A body begins with a line that ends in { below or on a line at the left edge, and ends with }.
  awk -v file="$file" '
    NR == FNR { why[FNR] = $0 ~ /long because/; next }
    /^[a-zA-Z_].*\(/ { head = FNR; name = $0; sub(/\(.*/, "", name); sub(/.*[ *]/, "", name) }
    /^(.*\) *)?\{$/ && head { body = head; head = 0 }
    /^}/ && body {
      excuse = 0
      for (i = body - 6; i <= FNR; i++) excuse = excuse || why[i]
      if (FNR - body + 1 > 70 && !excuse) printf "%s:%d: %s, %d lines\n", file, body, name, FNR - body + 1
      body = 0
    }' "$file" "$mirror" >>"$work/bodies"
done
got() { cat "$work/$1" 2>/dev/null; }
tell "$(got first)" "a reader starts there" \
  "line 1: /* SPDX-License-Identifier: MIT */; then what it is, who calls it, what it leaves to others, which RFC"
tell "$(got long)" "over 600 lines a file holds two things" "cut it along a duty"
tell "$(got wide)" "over 100 columns" "make format"
tell "$(got space)" "tab, carriage return or trailing blank" "make format"
tell "$(got bodies)" "over 70 lines a function needs a defence" \
  "cut it, or say in a comment: long because …"

others=$(find tools .ci Makefile meson.build README.md docs -type f 2>/dev/null |
  grep -vE '/simple-mistakes\.sh$|__pycache__')
# shellcheck disable=SC2086
tell "$(grep -nE '(^|[^a-zA-Z0-9_.~}$-])/(work|home|root|Users)/' $all $others 2>/dev/null | cut -c1-120)" \
  "a path of one machine" "a path relative to the tree, or a temporary file"
# shellcheck disable=SC2086
tell "$(grep -nwE 'TODO|FIXME|XXX|HACK|WIP' $all $others 2>/dev/null | cut -c1-120)" \
  "unfinished work hides in comments" "do it, or write an issue and say in the code what is so today"
tell "$(grep -niwE '(a|just a|only a|still a) stub|not implemented yet|not yet implemented|placeholder for now' $all | cut -c1-120)" \
  "no stub is called done" "finish it, or let it fail by name"
# shellcheck disable=SC2086
tell "$(find core drivers record host sim drill packetdrill cli -name '*.c' -not -name main.c -not -name digest_main.c 2>/dev/null | while read -r file; do
  dir=$(dirname "$file") name=$(basename "$file")
  until grep -qsF "'$name'" "$dir/meson.build"; do
    case $dir in */*) ;; *) echo "$file"; break ;; esac
    name=$(basename "$dir")/$name dir=$(dirname "$dir")
  done; done)" \
  "no meson.build lists it: it is neither built nor tested" "append it to the list in its directory"

# -- conditional compilation: options are run-time limits ---------------------------------------------
count() { # conditionals that are neither include guards nor C++ or build-variant switches
  cd "$work/code" && cat core%* | grep -E '^ *# *(if|ifdef|ifndef|elif)' |
    grep -cvE 'ifndef TCT_[A-Z0-9_]*_H$|__cplusplus|TCT_(CHECK|MARKS|PROBE)'
}
lines=$(list core | xargs cat | wc -l)
ifs=$(count)
[ "$ifs" -le $((lines * 2 / 1000)) ] || tell "core/: $ifs conditionals in $lines lines" \
  "more than 2 conditionals per 1000 lines: one build can no longer test it" \
  "a limit or flag in tct_config"

# -- marks: each has the one test that is about it ----------------------------------------------------
tell "$(grep -rhoE '\bTCT_MARK\([a-z0-9_]+\)' core --include='*.c' 2>/dev/null | sort -u | tr -d ')' | cut -d'(' -f2 |
  while read -r mark; do grep -rqE "EXPECT_MARK\($mark\)" test || echo "TCT_MARK($mark)"; done)" \
  "a mark that no test expects" "write EXPECT_MARK(name) { … } in the test that is about this branch"

# -- one version number --------------------------------------------------------------------------------
a=$(sed -n "s/^ *version: '\(.*\)',.*/\1/p" meson.build 2>/dev/null | head -n 1)
b=$(sed -n 's/^#define TCT_VERSION "\(.*\)"/\1/p' include/tercet/tercet.h 2>/dev/null)
[ "$a" = "$b" ] || tell "meson.build says '$a', tercet.h says '$b'" "two versions" "make them equal"

if [ -s "$found" ]; then
  cat "$found"
  echo "$(grep -c '^  why:' "$found") kinds of simple mistakes"
  exit 1
fi
echo "no simple mistakes in $(echo "$all" | wc -l) files"
