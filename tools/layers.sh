#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Reads every #include line and says which may not stand where it stands. The table below is the
# dependency direction of docs/ARCHITECTURE.md; to add an edge there, argue it there.
set -u
cd "${TCT_TREE:-$(dirname "$0")/..}" || exit 2

# Who may include whom: a module is a directory of core/, `stack` (core/stack.*) or a directory above.
# `tercet` is the public headers. A module may always include itself.
table='
wire:     tercet util
link:     tercet util wire stack ip
ip:       tercet util wire stack
tcp:      tercet util wire sock stack
udp:      tercet util wire sock stack
sock:     tercet util stack tcp
util:     tercet
stack:    tercet util wire link ip tcp udp sock
drivers:  tercet util wire
record:   tercet
host:     tercet util drivers record
sim:      tercet util wire stack drivers
drill:    tercet util wire drivers host packetdrill
packetdrill: tercet drivers host
cli:      tercet util wire drivers record host sim drill
examples: tercet drivers
bench:    *
test:     *
model:    tercet
'

find core drivers record host sim drill packetdrill cli examples bench model include -name '*.[ch]' 2>/dev/null | sort |
  xargs -r awk -v table="$table" '
  function module_of(path,   part, n) {
    n = split(path, part, "/")
    if (part[1] == "include") return "tercet"
    if (part[1] != "core") return part[1]
    return n == 2 ? "stack" : part[2]
  }
  function blame(why) { printf "%s:%d: %s\n", FILENAME, FNR, why; bad++ }
  BEGIN {
    n = split(table, rows, "\n")
    for (i = 1; i <= n; i++) {
      m = split(rows[i], word, " ")
      if (m < 2) continue
      sub(":", "", word[1])
      for (k = 2; k <= m; k++) may[word[1], word[k]] = 1
      known[word[1]] = 1
    }
  }
  FNR == 1 { from = module_of(FILENAME); in_core = FILENAME ~ /^core\// }
  /^[ \t]*#[ \t]*include[ \t]*</ {
    if (from == "tercet" || in_core) {
      match($0, /<[^>]*>/); header = substr($0, RSTART, RLENGTH)
      if (header !~ /^<(stddef|stdint|stdbool)\.h>$/)
        blame("the core includes " header "; it may have <stddef.h> <stdint.h> <stdbool.h> only")
    }
  }
  /^[ \t]*#[ \t]*include[ \t]*"/ {
    match($0, /"[^"]*"/); header = substr($0, RSTART + 1, RLENGTH - 2)
    edges++
    n = split(header, part, "/")
    if (n == 1 && header ~ /^stack(_probe)?[.]h$/) to = "stack"
    else if (n == 1) { blame("\"" header "\" hides its module; include it as \"module/" header "\""); next }
    else to = part[1]
    if (!(to in known) && to != "tercet" && to != "test")
      blame("\"" header "\" is in no module of the table in tools/layers.sh")
    else if (from != to && !((from, to) in may) && !((from, "*") in may))
      blame(from " may not include " to " (\"" header "\"); see the table in tools/layers.sh")
  }
  END {
    if (bad) { printf "%d include lines against the layers\n", bad; exit 1 }
    printf "%d include lines keep the layers\n", edges
  }' || exit 1
