#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Weaves contracts into the shipped C, for Frama-C; called by prove/run.

  weave.py ROOT OUT     every prove/contracts/PATH.acsl goes into a copy of ROOT/core/PATH in OUT

The contracts stand apart from the code, which would drown in them. What is proved must be the code
that ships: the woven file without its `/*@ ... */` is compared with the original, byte by byte.

A contract file is sections, each begun by a line of one of these forms:
  @ NAME             a function's contract, before its definition or declaration
  @ NAME loop N      invariants of its N-th loop
  @ NAME at TEXT     before the first line of its body that holds TEXT
  @ top              before the first line that is no comment and no #include
Lines that begin with # are remarks.
"""
import os
import re
import sys


class Wrong(Exception):
    pass


def sections_of(path):
    out, head = [], None
    with open(path, encoding='ascii') as f:
        for line in f:
            if line.startswith('#'):
                continue
            if line.startswith('@ '):
                head = line[2:].strip()
                out.append((head, []))
            elif line.strip():
                out[-1][1].append(line.rstrip())
    return out


def body_of(lines, name):
    """First line of NAME's definition (or declaration) and its last."""
    pattern = re.compile(r'^[A-Za-z_][\w \*]*\b' + re.escape(name) + r'\(')
    for i, line in enumerate(lines):
        if not pattern.match(line):
            continue
        j = i
        while not re.search(r'[;{]\s*(/\*.*\*/)?\s*$', lines[j]) and not re.search(
                r';\s*/\*', lines[j]):
            j += 1
        if '{' not in lines[j]:
            return i, j
        while lines[j].rstrip() != '}':
            j += 1
        return i, j
    raise Wrong(f'no function {name}')


def weave(lines, sections):
    inserts = {}
    for head, text in sections:
        words = head.split(' ', 2)
        block = ['/*@'] + text + ['*/']
        if head == 'top':
            at = max(i for i, line in enumerate(lines) if line.startswith('#include')) + 1
        else:
            first, last = body_of(lines, words[0])
            if len(words) == 1:
                at = first
            elif words[1] == 'loop':
                loops = [i for i in range(first, last + 1)
                         if re.match(r'\s*(for|while) \(', lines[i])]
                at = loops[int(words[2]) - 1]
            else:
                want = head.split(' at ', 1)[1]
                at = next(i for i in range(first, last + 1) if want in lines[i])
        inserts.setdefault(at, []).extend(block)
    out = []
    for i, line in enumerate(lines):
        out += inserts.get(i, [])
        out.append(line)
    return out


def without(text):
    """The text less what weaving adds: blocks of lines from /*@ to */."""
    out, inside = [], False
    for line in text:
        if line == '/*@':
            inside = True
        if not inside:
            out.append(line)
        if line == '*/' and inside:
            inside = False
    return out


def main():
    root, out = sys.argv[1:3]
    contracts = os.path.join(root, 'prove', 'contracts')
    woven = 0
    for folder, _, files in os.walk(os.path.join(root, 'core')):
        for name in sorted(files):
            if not name.endswith(('.c', '.h')):
                continue
            path = os.path.join(folder, name)
            rel = os.path.relpath(path, os.path.join(root, 'core'))
            with open(path, encoding='utf-8') as f:
                lines = f.read().split('\n')
            acsl = os.path.join(contracts, rel + '.acsl')
            result = lines
            if os.path.exists(acsl):
                try:
                    result = weave(lines, sections_of(acsl))
                except (Wrong, StopIteration, IndexError) as e:
                    sys.exit(f'{acsl}: {e or "a place is not found"}')
                if without(result) != lines:
                    sys.exit(f'{rel}: what is woven is not what ships')
                woven += 1
            target = os.path.join(out, rel)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, 'w', encoding='utf-8') as f:
                f.write('\n'.join(result))
    print(f'{woven} files woven')


if __name__ == '__main__':
    main()
