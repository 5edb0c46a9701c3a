#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Proves lemmas about the shipped C for all inputs, in bit-vectors, with z3.

Called by prove/run. A lemma is a C function in prove/lemmas/*.c that includes the file of core/
that it is about and returns true (`lemma_...`) for whatever arguments, or false for some
(`refuted_...`: they show that the machinery can say no). The C is preprocessed by gcc and read
here: integers of all widths, casts, promotions, structs, calls, if and return; loops are unrolled
as long as their condition is not settled. What is proved besides the returned value, under the path
that leads there: each TCT_ASSERT holds, no signed operation overflows, no shift is too wide, no
division is by zero and, outside of the files that may wrap, no unsigned operation wraps.

A reading of C could be wrong, so it is tried on the compiler: each lemma and each function it calls
runs on edge values and random ones both here and as compiled code, and must agree; and z3's
counterexample to each `refuted_` must make the compiled one return false.
"""
import os
import random
import re
import subprocess
import sys
import time

TOKEN = re.compile(
    r'\s+|(?P<num>0[xX][0-9a-fA-F]+[uUlL]*|\d+[uUlL]*)|(?P<id>[A-Za-z_]\w*)'
    r'|(?P<str>"(?:[^"\\]|\\.)*")|(?P<chr>\'(?:[^\'\\]|\\.)\')'
    r'|(?P<op><<=|>>=|\.\.\.|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|.)', re.S)
WIDTH = {'uint8_t': (8, 0), 'uint16_t': (16, 0), 'uint32_t': (32, 0), 'uint64_t': (64, 0),
         'int8_t': (8, 1), 'int16_t': (16, 1), 'int32_t': (32, 1), 'int64_t': (64, 1),
         'size_t': (64, 0), 'uintptr_t': (64, 0), '_Bool': (1, 0), 'char': (8, 1),
         'short': (16, 1), 'int': (32, 1), 'long': (64, 1), 'unsigned': (32, 0),
         'unsigned int': (32, 0), 'unsigned long': (64, 0), 'unsigned char': (8, 0),
         'unsigned short': (16, 0), 'unsigned long long': (64, 0), 'long long': (64, 1),
         '__uint8_t': (8, 0), 'long unsigned int': (64, 0), 'long int': (64, 1)}
BUILTIN_WORDS = {'unsigned', 'signed', 'long', 'int', 'short', 'char', '_Bool', 'void', 'float',
                 'double'}
QUALIFIERS = {'const', 'static', 'inline', 'extern', 'restrict', 'volatile', '__restrict',
              '__extension__', 'register', '_Noreturn', '__inline'}
UNROLL_MAX = 80


class Unreadable(Exception):
    pass


# ---- Reading C ------------------------------------------------------------------------------------

def tokens_of(text):
    out, at = [], 0
    while at < len(text):
        m = TOKEN.match(text, at)
        at = m.end()
        if m.lastgroup:
            out.append(m.group(m.lastgroup))
    return out


class Unit:
    """A preprocessed file: its types, constants and functions, the latter read when called."""

    def __init__(self, text):
        files, clean, name = [], [], ''
        for line in text.split('\n'):
            m = re.match(r'# \d+ "([^"]*)"', line)
            if m:
                name = m.group(1)
            else:
                words = tokens_of(line)
                clean += words
                files += [name] * len(words)
        self.tok, self.file_of = clean, files
        while '__attribute__' in self.tok:
            i = self.tok.index('__attribute__')
            end = self.match(i + 1) + 1
            del self.tok[i:end], self.file_of[i:end]
        self.typedefs, self.structs, self.consts, self.functions = {}, {}, {}, {}
        self.parsed = {}
        self.scan()

    def scan(self):
        t, i = self.tok, 0
        while i < len(t):
            start = i
            depth = 0
            while i < len(t):  # one external declaration: up to ; or the end of a function's body
                if t[i] in '([':
                    depth += 1
                elif t[i] in ')]':
                    depth -= 1
                elif t[i] == '{' and depth == 0:
                    end = self.match(i)
                    if t[i - 1] == ')':
                        self.note_function(start, i, end)
                        i = end
                        break
                    i = end
                elif t[i] == ';' and depth == 0:
                    self.note_declaration(start, i)
                    break
                i += 1
            i += 1

    def match(self, i):
        pairs = {'{': '}', '(': ')', '[': ']'}
        openers, closer, depth = self.tok[i], pairs[self.tok[i]], 0
        while True:
            if self.tok[i] == openers:
                depth += 1
            elif self.tok[i] == closer:
                depth -= 1
                if depth == 0:
                    return i
            i += 1

    def note_function(self, start, brace, end):
        i = start
        while self.tok[i] != '(':
            i += 1
        self.functions[self.tok[i - 1]] = (start, i, brace, end)

    def note_declaration(self, start, end):
        if self.tok[start] == '_Static_assert' or end == start:
            return
        p = Parser(self, start)
        is_typedef = self.tok[start] == 'typedef'
        if is_typedef:
            p.i += 1
        try:
            base = p.base_type()
            if is_typedef:
                name, kind = p.declarator(base)
                self.typedefs[name] = kind
        except Unreadable:
            pass

    def function(self, name):
        if name not in self.parsed:
            start, paren, brace, _ = self.functions[name]
            p = Parser(self, start)
            kind = p.pointers(p.base_type())
            p.i = paren + 1
            params = []
            while p.peek() != ')':
                base = p.base_type()
                if base == 'void' and p.peek() == ')':
                    break
                params.append(p.declarator(base))
                p.accept(',')
            p.i = brace
            self.parsed[name] = (kind, params, p.statement(), self.file_of[brace])
        return self.parsed[name]


class Parser:
    def __init__(self, unit, i):
        self.u, self.i = unit, i

    def peek(self, n=0):
        return self.u.tok[self.i + n]

    def next(self):
        self.i += 1
        return self.u.tok[self.i - 1]

    def accept(self, word):
        if self.peek() == word:
            self.i += 1
            return True
        return False

    def expect(self, word):
        got = self.next()
        if got != word:
            raise Unreadable(f'{word!r} expected, {got!r} found: '
                             + ' '.join(self.u.tok[self.i - 12:self.i + 6]))

    def is_type(self, n=0):
        w = self.peek(n)
        return (w in BUILTIN_WORDS or w in QUALIFIERS or w in ('struct', 'union', 'enum')
                or w in self.u.typedefs or w in WIDTH)

    def base_type(self):
        words, kind = [], None
        while True:
            w = self.peek()
            if w in QUALIFIERS:
                self.i += 1
            elif w in BUILTIN_WORDS:
                words.append(self.next())
            elif w in ('struct', 'union') and not words and kind is None:
                kind = self.struct()
            elif w == 'enum' and not words and kind is None:
                kind = self.enum()
            elif not words and kind is None and (w in self.u.typedefs or w in WIDTH):
                self.i += 1
                kind = WIDTH.get(w) or self.u.typedefs[w]
            else:
                break
        if words:
            name = ' '.join(words)
            return 'void' if name == 'void' else WIDTH.get(name, 'unknown')
        if kind is None:
            raise Unreadable('no type: ' + ' '.join(self.u.tok[self.i:self.i + 8]))
        return kind

    def pointers(self, kind):
        while self.peek() == '*' or self.peek() in QUALIFIERS:
            if self.next() == '*':
                kind = ('ptr', kind)
        return kind

    def declarator(self, base):
        kind = self.pointers(base)
        if self.peek() == '(':  # a function pointer: only stepped over
            end = self.u.match(self.i)
            name = [w for w in self.u.tok[self.i:end] if re.match(r'[A-Za-z_]', w)]
            self.i = end + 1
            if self.peek() == '(':
                self.i = self.u.match(self.i) + 1
            return (name[0] if name else ''), ('ptr', 'void')
        name = self.next() if re.match(r'[A-Za-z_]', self.peek()) else ''
        sizes = []
        while self.peek() == '[':
            end = self.u.match(self.i)
            sizes.append((self.i + 1, end))
            self.i = end + 1
        for at, end in reversed(sizes):
            kind = ('array', kind, self.constant(at, end))
        return name, kind

    def constant(self, at, end):
        if at == end:
            return None
        try:
            p = Parser(self.u, at)
            return Run(self.u, Numbers()).value(p.expression(), {}).term
        except (Unreadable, KeyError):
            return None

    def struct(self):
        self.next()
        name = self.next() if self.peek() != '{' else f'$anon{self.i}'
        if self.peek() == '{':
            end = self.u.match(self.i)
            self.i += 1
            fields = {}
            self.u.structs[name] = fields
            while self.i < end:
                base = self.base_type()
                if self.peek() == ';' and isinstance(base, tuple) and base[0] == 'struct':
                    fields.update(self.u.structs[base[1]])
                while self.peek() != ';':
                    before = self.i
                    field, kind = self.declarator(base)
                    fields[field] = kind
                    if self.accept(':'):
                        self.i += 1
                    self.accept(',')
                    if self.i == before:
                        raise Unreadable('a field')
                self.i += 1
            self.i = end + 1
        return ('struct', name)

    def enum(self):
        self.next()
        if self.peek() != '{':
            self.next()
        if self.peek() == '{':
            end = self.u.match(self.i)
            self.i += 1
            value = 0
            while self.i < end:
                name = self.next()
                if self.accept('='):
                    value = Run(self.u, Numbers()).value(self.conditional(), {}).signed()
                self.u.consts[name] = value
                value += 1
                self.accept(',')
            self.i = end + 1
        return (32, 0)

    # -- expressions: nested tuples
    def expression(self):
        e = self.assignment()
        while self.accept(','):
            e = ('comma', e, self.assignment())
        return e

    def assignment(self):
        left = self.conditional()
        if self.peek() in ('=', '+=', '-=', '*=', '/=', '%=', '&=', '|=', '^=', '<<=', '>>='):
            op = self.next()
            right = self.assignment()
            if op != '=':
                right = ('binary', op[:-1], left, right)
            return ('assign', left, right)
        return left

    def conditional(self):
        cond = self.binary(0)
        if self.accept('?'):
            yes = self.expression()
            self.expect(':')
            return ('cond', cond, yes, self.conditional())
        return cond

    LEVELS = [['||'], ['&&'], ['|'], ['^'], ['&'], ['==', '!='], ['<', '>', '<=', '>='],
              ['<<', '>>'], ['+', '-'], ['*', '/', '%']]

    def binary(self, level):
        if level == len(self.LEVELS):
            return self.unary()
        e = self.binary(level + 1)
        while self.peek() in self.LEVELS[level]:
            op = self.next()
            e = ('binary', op, e, self.binary(level + 1))
        return e

    def unary(self):
        w = self.peek()
        if w == '(' and self.is_type(1):
            self.i += 1
            kind = self.pointers(self.base_type())
            while self.peek() == '[':
                raise Unreadable('compound literal of an array')
            self.expect(')')
            if self.peek() == '{':
                return ('literal', kind, self.braces())
            return ('cast', kind, self.unary())
        if w in ('!', '~', '-', '+', '&', '*'):
            self.i += 1
            return ('unary', w, self.unary())
        if w in ('++', '--'):
            self.i += 1
            e = self.unary()
            return ('assign', e, ('binary', w[0], e, ('num', 1, (32, 1))))
        if w == 'sizeof':
            raise Unreadable('sizeof')
        return self.postfix()

    def postfix(self):
        w = self.next()
        if w == '(':
            e = self.expression()
            self.expect(')')
        elif re.match(r'\d', w):
            digits = w.rstrip('uUlL')
            suffix = w[len(digits):].lower()
            n = int(digits, 16 if digits[:2] in ('0x', '0X') else 8 if digits[0] == '0' and
                    len(digits) > 1 else 10)
            is_hex = digits[:2] in ('0x', '0X')
            for bits, sign in ((32, 1), (32, 0), (64, 1), (64, 0)):
                if 'l' in suffix and bits == 32 or 'u' in suffix and sign:
                    continue
                if not sign and 'u' not in suffix and not is_hex:
                    continue
                if n < 1 << (bits - sign):
                    break
            e = ('num', n, (bits, sign))
        elif re.match(r'[A-Za-z_]', w):
            e = ('name', w)
        else:
            raise Unreadable(f'unexpected {w!r}')
        while True:
            if self.accept('('):
                args = []
                while self.peek() != ')':
                    args.append(self.assignment())
                    self.accept(',')
                self.i += 1
                e = ('call', e[1], args)
            elif self.accept('.'):
                e = ('field', e, self.next())
            elif self.accept('->'):
                e = ('field', ('unary', '*', e), self.next())
            elif self.accept('['):
                e = ('index', e, self.expression())
                self.expect(']')
            elif self.peek() in ('++', '--'):
                op = self.next()
                e = ('after', e, ('assign', e, ('binary', op[0], e, ('num', 1, (32, 1)))))
            else:
                return e

    def braces(self):
        self.expect('{')
        out = []
        while not self.accept('}'):
            name = None
            if self.accept('.'):
                name = self.next()
                self.expect('=')
            out.append((name, self.braces() if self.peek() == '{' else self.assignment()))
            self.accept(',')
        return out

    # -- statements
    def statement(self):
        w = self.peek()
        if w == '{':
            self.i += 1
            out = []
            while not self.accept('}'):
                out.append(self.statement())
            return ('block', out)
        if w == ';':
            self.i += 1
            return ('block', [])
        if w == 'if':
            self.i += 2
            cond = self.expression()
            self.expect(')')
            yes = self.statement()
            no = self.statement() if self.accept('else') else ('block', [])
            return ('if', cond, yes, no)
        if w == 'while':
            self.i += 2
            cond = self.expression()
            self.expect(')')
            return ('loop', cond, self.statement(), None)
        if w == 'for':
            self.i += 2
            first = self.statement() if self.peek() != ';' else self.statement()
            cond = self.expression() if self.peek() != ';' else ('num', 1, (32, 1))
            self.expect(';')
            step = self.expression() if self.peek() != ')' else None
            self.expect(')')
            return ('block', [first, ('loop', cond, self.statement(), step)])
        if w == 'return':
            self.i += 1
            e = None if self.peek() == ';' else self.expression()
            self.expect(';')
            return ('return', e)
        if w in ('switch', 'goto', 'break', 'continue', 'do'):
            raise Unreadable(f'{w} statement')
        if self.is_type() and not (w in self.u.functions):
            base = self.base_type()
            out = []
            while not self.accept(';'):
                name, kind = self.declarator(base)
                init = None
                if self.accept('='):
                    init = self.braces() if self.peek() == '{' else self.assignment()
                out.append((name, kind, init))
                self.accept(',')
            return ('declare', out)
        e = self.expression()
        self.expect(';')
        return ('expr', e)


# ---- Two ways to compute: numbers, and terms for z3 -----------------------------------------------

class Numbers:
    """Terms are Python's integers (booleans: bool)."""
    def const(self, n, bits): return n & ((1 << bits) - 1)
    def fresh(self, name, bits): raise Unreadable(f'{name} is read before it is written')
    def name(self, term, _bits): return term
    def truth(self, b): return b
    def known(self, b): return b
    def op(self, op, bits, signed, a, b):
        if signed:
            a, b = self.sign(a, bits), self.sign(b, bits)
        if op == '/': n = 0 if b == 0 else (abs(a) // abs(b)) * (1 if a * b >= 0 else -1)
        elif op == '%': n = 0 if b == 0 else a - (abs(a) // abs(b)) * (1 if a * b >= 0 else -1) * b
        elif op == '+': n = a + b
        elif op == '-': n = a - b
        elif op == '*': n = a * b
        elif op == '&': n = a & b
        elif op == '|': n = a | b
        elif op == '^': n = a ^ b
        elif op == '<<': n = a << (b & 127)
        elif op == '>>': n = a >> (b & 127)
        return n & ((1 << bits) - 1)
    def compare(self, op, bits, signed, a, b):
        if signed:
            a, b = self.sign(a, bits), self.sign(b, bits)
        return {'<': a < b, '<=': a <= b, '==': a == b}[op]
    def sign(self, a, bits): return a - (1 << bits) if a >> (bits - 1) else a
    def extend(self, a, bits, to, signed):
        if signed: a = self.sign(a, bits)
        return a & ((1 << to) - 1)
    def ite(self, c, a, b): return a if c else b
    def both(self, a, b): return a and b
    def either(self, a, b): return a or b
    def no(self, a): return not a


class Smt:
    """Terms are SMT-LIB; every named value becomes a definition, so that nothing is written twice."""
    BV = {'+': 'bvadd', '-': 'bvsub', '*': 'bvmul', '&': 'bvand', '|': 'bvor', '^': 'bvxor',
          '<<': 'bvshl'}

    def __init__(self):
        self.lines, self.n = [], 0
    def const(self, n, bits): return f'(_ bv{n & ((1 << bits) - 1)} {bits})'
    def fresh(self, name, bits):
        self.n += 1
        out = f'|{name}!{self.n}|'
        self.lines.append(f'(declare-const {out} (_ BitVec {bits}))')
        return out
    def name(self, term, bits):
        if len(term) < 24:
            return term
        self.n += 1
        sort = 'Bool' if bits == 0 else f'(_ BitVec {bits})'
        self.lines.append(f't{self.n}'.join(['(define-fun ', f' () {sort} {term})']))
        return f't{self.n}'
    def truth(self, b): return 'true' if b else 'false'
    def known(self, b): return {'true': True, 'false': False}.get(b)
    def op(self, op, bits, signed, a, b):
        m = re.fullmatch(r'\(_ bv(\d+) \d+\)', b)
        k = int(m.group(1)) if m else 0
        power = k.bit_length() - 1 if k and k & (k - 1) == 0 and not signed else None
        if op in '/%' and power is not None:
            return (f'(bvlshr {a} {self.const(power, bits)})' if op == '/' else
                    f'(bvand {a} {self.const(k - 1, bits)})')
        name = self.BV.get(op) or {('/', 0): 'bvudiv', ('/', 1): 'bvsdiv', ('%', 0): 'bvurem',
                                   ('%', 1): 'bvsrem', ('>>', 0): 'bvlshr',
                                   ('>>', 1): 'bvashr'}[(op, int(signed))]
        return self.name(f'({name} {a} {b})', bits)
    def compare(self, op, bits, signed, a, b):
        if op == '==':
            return f'(= {a} {b})'
        return self.name(f"({'bvs' if signed else 'bvu'}{'lt' if op == '<' else 'le'} {a} {b})", 0)
    def extend(self, a, bits, to, signed):
        if to == bits:
            return a
        m = re.fullmatch(r'\(_ bv(\d+) \d+\)', a)
        if m:
            n = int(m.group(1))
            return self.const(n - (1 << bits) if signed and n >> (bits - 1) else n, to)
        if to < bits:
            return f'((_ extract {to - 1} 0) {a})'
        return f"((_ {'sign' if signed else 'zero'}_extend {to - bits}) {a})"
    def ite(self, c, a, b): return a if c == 'true' or a == b else b if c == 'false' else f'(ite {c} {a} {b})'
    def both(self, a, b):
        if a == 'false' or b == 'false': return 'false'
        return b if a == 'true' else a if b == 'true' else self.name(f'(and {a} {b})', 0)
    def either(self, a, b):
        if a == 'true' or b == 'true': return 'true'
        return b if a == 'false' else a if b == 'false' else self.name(f'(or {a} {b})', 0)
    def no(self, a): return {'true': 'false', 'false': 'true'}.get(a) or f'(not {a})'


class Value:
    def __init__(self, kind, term):
        self.kind, self.term = kind, term  # kind: (bits, signed), 'truth', or a pointer's kind

    def signed(self):
        bits, sign = self.kind
        return self.term - (1 << bits) if sign and self.term >> (bits - 1) else self.term


class Run:
    """Executes a function in either way. Memory maps a path ('c#1.rcv.nxt') to a Value."""

    def __init__(self, unit, how):
        self.u, self.how = unit, how
        self.memory, self.kinds = {}, {}
        self.live = how.truth(True)
        self.goals = []  # (what, term): must hold
        self.frames = 0
        self.called = set()
        self.wraps = False

    def goal(self, what, term):
        need = self.how.either(self.how.no(self.live), term)
        if self.how.known(need) is not True:
            self.goals.append((what, need))

    # -- conversion
    def to(self, v, kind):
        how = self.how
        if kind == 'void':
            return v
        if v.kind == 'truth':
            if kind == 'truth':
                return v
            if kind == (1, 0):
                v = Value((1, 0), how.ite(v.term, how.const(1, 1), how.const(0, 1)))
            else:
                v = Value((32, 1), how.ite(v.term, how.const(1, 32), how.const(0, 32)))
        if kind == 'truth':
            if v.kind[0] == 'ptr':
                return Value('truth', how.truth(v.term is not None))
            zero = how.const(0, v.kind[0])
            return Value('truth', how.no(how.compare('==', v.kind[0], False, v.term, zero)))
        if v.kind[0] in ('ptr', 'array') or kind[0] == 'ptr':
            if kind[0] == 'ptr' and v.kind[0] not in ('ptr', 'array'):
                return Value(kind, None)  # a null constant
            return Value(kind if kind[0] == 'ptr' else v.kind, v.term)
        if kind == (1, 0):
            return self.to(self.to(v, 'truth'), kind) if v.kind != (1, 0) else v
        return Value(kind, how.extend(v.term, v.kind[0], kind[0], v.kind[1]))

    def promote(self, v):
        if v.kind == 'truth' or v.kind[0] < 32:
            return self.to(v, (32, 1))
        return v

    # -- places
    def place(self, e, env):
        if e[0] == 'name':
            if e[1] not in env:
                raise Unreadable(f'unknown name {e[1]}')
            return env[e[1]]
        if e[0] == 'field':
            path, kind = self.place(e[1], env)
            if kind[0] != 'struct':
                raise Unreadable(f'.{e[2]} of {kind}')
            return f'{path}.{e[2]}', self.u.structs[kind[1]][e[2]]
        if e[0] == 'unary' and e[1] == '*':
            v = self.value(e[2], env)
            if v.kind[0] not in ('ptr', 'array') or v.term is None:
                raise Unreadable('a null or unknown pointer is followed')
            return v.term, v.kind[1]
        if e[0] == 'index':
            path, kind = self.place(e[1], env)
            at = self.value(e[2], env)
            n = re.fullmatch(r'\(_ bv(\d+) \d+\)', str(at.term))
            n = at.term if isinstance(at.term, int) else int(n.group(1)) if n else None
            if n is None or kind[0] not in ('array', 'ptr'):
                raise Unreadable('an index that is not settled')
            return f'{path}[{n}]', kind[1]
        raise Unreadable(f'no place: {e[0]}')

    def load(self, path, kind):
        if isinstance(kind, tuple) and kind[0] in ('struct', 'array'):
            return Value(kind, path)
        if path not in self.memory:
            if kind[0] == 'ptr':
                raise Unreadable(f'pointer {path} is read before it is written')
            self.memory[path] = Value(kind, self.how.fresh(path, kind[0]))
        return self.memory[path]

    def store(self, path, kind, v):
        if isinstance(kind, tuple) and kind[0] == 'struct':
            for field, k in self.u.structs[kind[1]].items():
                if k[0] in ('array',):
                    continue
                if k[0] == 'struct' or f'{v.term}.{field}' in self.memory:
                    self.store(f'{path}.{field}', k, self.load(f'{v.term}.{field}', k))
                else:
                    self.memory.pop(f'{path}.{field}', None)
            return
        v = self.to(v, kind)
        if self.how.known(self.live) is not True and path in self.memory and kind[0] != 'ptr':
            v = Value(kind, self.how.ite(self.live, v.term, self.memory[path].term))
        if kind[0] != 'ptr':
            v = Value(kind, self.how.name(v.term, kind[0]))
        self.memory[path] = v

    # -- expressions
    def truth(self, e, env):
        return self.to(self.value(e, env), 'truth').term

    def under(self, cond, run):
        """Runs with the path narrowed by cond."""
        before = self.live
        self.live = self.how.both(before, cond)
        out = run()
        self.live = before
        return out

    def value(self, e, env):
        how = self.how
        if e[0] == 'num':
            return Value(e[2], how.const(e[1], e[2][0]))
        if e[0] == 'name':
            if e[1] in env:
                return self.load(*env[e[1]])
            if e[1] in self.u.consts:
                n = self.u.consts[e[1]]
                return Value((32, 1) if n < 1 << 31 else (32, 0), how.const(n, 32))
            raise Unreadable(f'unknown name {e[1]}')
        if e[0] in ('field', 'index'):
            return self.load(*self.place(e, env))
        if e[0] == 'assign':
            right = self.value(e[2], env)
            path, kind = self.place(e[1], env)
            self.store(path, kind, right)
            return self.load(path, kind)
        if e[0] == 'after':
            old = self.value(e[1], env)
            self.value(e[2], env)
            return old
        if e[0] == 'comma':
            self.value(e[1], env)
            return self.value(e[2], env)
        if e[0] == 'cast':
            return self.to(self.value(e[2], env), e[1])
        if e[0] == 'literal':
            self.frames += 1
            path = f'literal#{self.frames}'
            self.fill(path, e[1], e[2], env)
            return Value(e[1], path)
        if e[0] == 'cond':
            return self.conditional(e, env)
        if e[0] == 'unary':
            return self.unary(e, env)
        if e[0] == 'binary':
            return self.binary(e, env)
        if e[0] == 'call':
            return self.call(e[1], [self.value(a, env) for a in e[2]])
        raise Unreadable(e[0])

    def conditional(self, e, env):
        how = self.how
        cond = self.truth(e[1], env)
        if e[3][0] == 'call' and e[3][1] == '__builtin_trap':
            self.goal('assertion holds', cond)
            return Value('truth', how.truth(True))
        known = how.known(cond)
        if known is not None:
            return self.value(e[2] if known else e[3], env)
        yes = self.under(cond, lambda: self.value(e[2], env))
        no = self.under(how.no(cond), lambda: self.value(e[3], env))
        if yes.kind == no.kind == 'truth':
            return Value('truth', how.ite(cond, yes.term, no.term))
        yes, no = self.common(yes, no)
        return Value(yes.kind, how.ite(cond, yes.term, no.term))

    def common(self, a, b):
        a, b = self.promote(a), self.promote(b)
        bits = max(a.kind[0], b.kind[0])
        sign = int(all(v.kind[1] or v.kind[0] < bits for v in (a, b)))
        return self.to(a, (bits, sign)), self.to(b, (bits, sign))

    def unary(self, e, env):
        how = self.how
        if e[1] == '!':
            return Value('truth', how.no(self.truth(e[2], env)))
        if e[1] == '&':
            path, kind = self.place(e[2], env)
            return Value(('ptr', kind), path)
        if e[1] == '*':
            return self.load(*self.place(e, env))
        v = self.promote(self.value(e[2], env))
        bits = v.kind[0]
        if e[1] == '~':
            return Value(v.kind, how.op('^', bits, False, v.term, how.const(-1, bits)))
        if e[1] == '-':
            return self.arithmetic('-', Value(v.kind, how.const(0, bits)), v)
        return v

    def binary(self, e, env):
        how, op = self.how, e[1]
        if op in ('&&', '||'):
            a = self.truth(e[2], env)
            known = how.known(a)
            if known is not None and known == (op == '||'):
                return Value('truth', how.truth(known))
            b = self.under(a if op == '&&' else how.no(a), lambda: self.truth(e[3], env))
            return Value('truth', how.both(a, b) if op == '&&' else how.either(a, b))
        a, b = self.value(e[2], env), self.value(e[3], env)
        if 'ptr' in (a.kind[0], b.kind[0]):
            if op not in ('==', '!='):
                raise Unreadable('arithmetic on pointers')
            a, b = self.to(a, ('ptr', 'void')), self.to(b, ('ptr', 'void'))
            return Value('truth', how.truth((a.term == b.term) == (op == '==')))
        if a.kind == b.kind == 'truth' and op in ('==', '!='):
            same = how.either(how.both(a.term, b.term), how.both(how.no(a.term), how.no(b.term)))
            return Value('truth', same if op == '==' else how.no(same))
        if a.kind == b.kind == 'truth' and op in ('&', '|'):
            return Value('truth', (how.both if op == '&' else how.either)(a.term, b.term))
        if op in ('<<', '>>'):
            return self.shift(op, self.promote(a), self.promote(b))
        a, b = self.common(a, b)
        bits, sign = a.kind
        if op in ('==', '!='):
            same = how.compare('==', bits, sign, a.term, b.term)
            return Value('truth', same if op == '==' else how.no(same))
        if op in ('<', '<='):
            return Value('truth', how.compare(op, bits, sign, a.term, b.term))
        if op in ('>', '>='):
            return Value('truth', how.compare('<' if op == '>' else '<=', bits, sign, b.term,
                                              a.term))
        return self.arithmetic(op, a, b)

    def shift(self, op, a, b):
        bits = a.kind[0]
        count = self.to(b, (bits, 0)).term
        self.goal('shift count below the width',
                  self.how.compare('<', bits, False, count, self.how.const(bits, bits)))
        out = Value(a.kind, self.how.op(op, bits, bool(a.kind[1]), a.term, count))
        if op == '<<' and (a.kind[1] or not self.wraps):
            back = self.how.op('>>', bits, bool(a.kind[1]), out.term, count)
            self.goal('shift loses no bit', self.how.compare('==', bits, False, back, a.term))
        return out

    def arithmetic(self, op, a, b):
        how, (bits, sign) = self.how, a.kind
        out = Value(a.kind, how.op(op, bits, bool(sign), a.term, b.term))
        if op in '/%':
            self.goal('divisor is not zero', how.no(how.compare('==', bits, False, b.term,
                                                                how.const(0, bits))))
        m = re.fullmatch(r'(?:\(_ bv)?(\d+)(?: \d+\))?', str(b.term))
        if op == '*' and m and int(m.group(1)) and not sign and not self.wraps:
            most = how.const(((1 << bits) - 1) // int(m.group(1)), bits)
            self.goal('unsigned * does not wrap', how.compare('<=', bits, False, a.term, most))
        elif op in '+-*' and (sign or not self.wraps):
            wide = bits * 2 if op == '*' else bits + 2
            x, y = (how.extend(v.term, bits, wide, sign) for v in (a, b))
            exact = how.op(op, wide, True, x, y)
            told = how.extend(out.term, bits, wide, sign)
            self.goal(f"{'signed' if sign else 'unsigned'} {op} does not wrap",
                      how.compare('==', wide, False, exact, told))
        return out

    # -- calls and statements
    def call(self, name, args):
        if name == '__builtin_trap':
            self.goal('trap is not reached', self.how.truth(False))
            return Value('truth', self.how.truth(True))
        if name not in self.u.functions:
            raise Unreadable(f'{name} has no body here')
        kind, params, body, file = self.u.function(name)
        self.called.add(name)
        self.frames += 1
        env, tag = {}, self.frames
        for (param, k), v in zip(params, args):
            env[param] = (f'{param}#{tag}', k)
            if isinstance(k, tuple) and k[0] == 'array':
                env[param] = (f'{param}#{tag}', ('ptr', k[1]))
                k = ('ptr', k[1])
            self.memory[f'{param}#{tag}'] = self.to(v, k)
        before = self.live, self.wraps
        # what may wrap: seq.h, time.h's stamps, the sums, and the lemmas' own arithmetic
        self.wraps = bool(re.search(r'util/(seq|time)\.h$|checksum\.[ch]$|prove/lemmas/', file))
        env['$return'] = (f'$return#{tag}', kind)
        self.statement(body, env)
        self.live, self.wraps = before
        if kind == 'void':
            return Value('truth', self.how.truth(True))
        return self.load(f'$return#{tag}', kind)

    def fill(self, path, kind, init, env):
        names = list(self.u.structs[kind[1]].items())
        given = {}
        for i, (field, e) in enumerate(init):
            given[field or names[i][0]] = e
        for field, k in names:
            if k[0] == 'struct':
                self.fill(f'{path}.{field}', k, given.get(field, []), env)
            elif k[0] == 'array':
                continue
            elif field in given:
                self.store(f'{path}.{field}', k, self.value(given[field], env))
            else:
                self.store(f'{path}.{field}', k, Value((32, 1), self.how.const(0, 32)))

    def statement(self, s, env):
        if self.how.known(self.live) is False:
            return
        if s[0] == 'block':
            inner = dict(env)
            for one in s[1]:
                self.statement(one, inner)
        elif s[0] == 'declare':
            for name, kind, init in s[1]:
                self.declare(name, kind, init, env)
        elif s[0] == 'expr':
            self.value(s[1], env)
        elif s[0] == 'if':
            self.branch(s, env)
        elif s[0] == 'loop':
            self.loop(s, env)
        elif s[0] == 'return':
            if s[1] is not None:
                path, kind = env['$return']
                self.store(path, kind, self.value(s[1], env))
            self.live = self.how.truth(False)

    def declare(self, name, kind, init, env):
        self.frames += 1
        path = f'{name}#{self.frames}'
        env[name] = (path, kind)
        if isinstance(init, list):
            self.fill(path, kind, init, env)
        elif init is not None:
            self.store(path, kind, self.value(init, env))

    def branch(self, s, env):
        how = self.how
        cond = self.truth(s[1], env)
        known = how.known(cond)
        if known is not None:
            return self.statement(s[2] if known else s[3], env)
        before = self.live
        memory = dict(self.memory)
        self.live = how.both(before, cond)
        self.statement(s[2], env)
        live_yes, memory_yes = self.live, self.memory
        self.memory = memory
        self.live = how.both(before, how.no(cond))
        self.statement(s[3], env)
        live_no, memory_no = self.live, self.memory
        self.memory = self.merge(cond, memory_yes, memory_no)
        self.live = how.either(live_yes, live_no)

    def merge(self, cond, yes, no):
        out = dict(no)
        for path, v in yes.items():
            w = no.get(path)
            if w is None or w.term == v.term:
                out[path] = v
            elif v.kind[0] == 'ptr':
                raise Unreadable('a pointer that depends on the path')
            else:
                term = self.how.ite(cond, v.term, w.term)
                out[path] = Value(v.kind, self.how.name(term, v.kind[0]))
        return out

    def loop(self, s, env):
        for _ in range(UNROLL_MAX):
            cond = self.truth(s[1], env)
            if self.how.known(cond) is not True:
                if self.how.known(cond) is False or self.how.known(self.live) is False:
                    return
                raise Unreadable('a loop whose length is not settled')
            self.statement(s[2], env)
            if s[3] is not None:
                self.value(s[3], env)
        raise Unreadable('a loop without end')


# ---- Lemmas ---------------------------------------------------------------------------------------

def ask(lines, seconds):
    out = subprocess.run(['z3', '-in', f'-T:{seconds}'], input='\n'.join(lines), text=True,
                         capture_output=True, check=False).stdout
    return out


def symbolic(unit, name):
    how = Smt()
    run = Run(unit, how)
    _, params, _, _ = unit.function(name)
    inputs = [(p, kind, how.fresh(p, kind[0])) for p, kind in params]
    value = run.call(name, [Value(kind, term) for _, kind, term in inputs])
    return how, run, inputs, run.to(value, 'truth').term


def prove(unit, name, seconds):
    """Yields (goal, verdict, model)."""
    how, run, inputs, result = symbolic(unit, name)
    goals = [('returns true', result)] + run.goals
    wanted = name.startswith('refuted_')
    if wanted:
        goals = goals[:1]
    elif run.goals:  # all at once; one by one only if that fails
        whole = '(and ' + ' '.join(t for _, t in goals) + ')'
        out = ask(['(set-logic QF_BV)'] + how.lines + [f'(assert (not {whole}))', '(check-sat)'],
                  seconds)
        if out.startswith('unsat'):
            for what, _ in goals:
                yield what, 'proved', None, run.called
            return
    for what, term in goals:
        out = ask(['(set-logic QF_BV)', '(set-option :produce-models true)'] + how.lines +
                  [f'(assert (not {term}))', '(check-sat)',
                   '(get-value (' + ' '.join(t for _, _, t in inputs) + '))'], seconds)
        found = re.findall(r'\(\|?([^ |]+?)!\d+\|? #([xb])([0-9a-f]+)\)', out)
        model = {n: int(v, 16 if b == 'x' else 2) for n, b, v in found}
        if out.startswith('unsat'):
            yield what, 'refutation missing' if wanted else 'proved', None, run.called
        elif out.startswith('sat'):
            yield what, 'proved' if wanted else 'FALSE', model, run.called
        else:
            yield what, 'open', None, run.called


def edges(bits):
    out = {0, 1, 2, 3, 7, 8, 15, 16, 63, 64, 255, 1000, (1 << bits) - 1, (1 << bits) - 2,
           1 << (bits - 1), (1 << (bits - 1)) - 1, (1 << (bits - 1)) + 1}
    return [n for n in out if n < 1 << bits]


def arguments(params, n, rng):
    near = []
    for _ in range(n):
        row = []
        for _, (bits, _sign) in params:
            pick = rng.random()
            if pick < 0.35:
                row.append(rng.choice(edges(bits)))
            elif pick < 0.6 and near:
                row.append((rng.choice(near) + rng.randint(-3, 3)) & ((1 << bits) - 1))
            else:
                row.append(rng.getrandbits(rng.randint(1, bits)))
            near = (near + [row[-1]])[-4:]
        yield row


def scalar(unit, name):
    kind, params, _, _ = unit.function(name)
    return (kind != 'void' and isinstance(kind, tuple) and isinstance(kind[0], int) and params and
            all(isinstance(k, tuple) and isinstance(k[0], int) for _, k in params))


def try_on_compiler(path, unit, names, work, flags, extra):
    """The compiled code and this reading of it must agree. extra: (name, arguments, expected)."""
    rng = random.Random(1)
    cases = [(name, row, None) for name in names for row in arguments(unit.function(name)[1], 300,
                                                                     rng)]
    cases += extra
    main = [f'#include "{path}"', '#include <stdio.h>', 'int main(void) {']
    expect = []
    for name, row, fixed in cases:
        run = Run(unit, Numbers())
        kind, params, _, _ = unit.function(name)
        try:
            v = run.call(name, [Value(k, n) for (_, k), n in zip(params, row)])
        except Unreadable:
            continue
        if not name.startswith('lemma_') and any(not ok for _, ok in run.goals):
            continue  # outside of what the function is for: it would trap
        got = run.to(v, (64, 0)).term
        if fixed is not None and got != fixed:
            return f'{name}{row}: z3 and this reading differ'
        expect.append((name, row, got))
        args = ', '.join(f'{n}u' if n < 1 << 32 else f'{n}ull' for n in row)
        main.append(f'  printf("%llu\\n", (unsigned long long){name}({args}));')
    main.append('  return 0;\n}\n')
    stem = os.path.join(work, 'try-' + os.path.basename(path)[:-2])
    with open(stem + '.c', 'w', encoding='ascii') as f:
        f.write('\n'.join(main))
    subprocess.run(['gcc', '-std=c11', '-O0', '-w', '-ffunction-sections', '-fdata-sections',
                    '-static', '-Wl,--gc-sections', '-Wl,--unresolved-symbols=ignore-all', *flags, stem + '.c',
                    '-o', stem], check=True)
    out = subprocess.run([stem], text=True, capture_output=True, check=True).stdout.split()
    if len(out) != len(expect):
        return f'{len(expect)} calls, {len(out)} answers'
    for (name, row, got), told in zip(expect, out):
        if got != int(told):
            return f'{name}{row}: compiled {told}, read {got}'
    return len(expect)


def main():
    work, paths = sys.argv[1], sys.argv[2:]
    flags = ['-Iinclude', '-Icore', '-I.']
    goals = proved = lemmas = tried = 0
    for path in paths:
        text = subprocess.run(['gcc', '-std=c11', '-E', *flags, path], text=True,
                              capture_output=True, check=True).stdout
        unit = Unit(text)
        names = [n for n in unit.functions if re.match('(lemma|refuted)_', n)]
        called, extra = set(names), []
        for name in names:
            bad, began = [], time.monotonic()
            lemmas += 1
            for what, verdict, model, calls in prove(unit, name, int(os.environ.get('SECONDS_A_GOAL', '100'))):
                goals += 1
                proved += verdict == 'proved'
                called |= calls
                if verdict != 'proved':
                    bad.append(f'{what}: {verdict} {model or ""}')
                elif model is not None:
                    row = [model[p] for p, _ in unit.function(name)[1]]
                    extra.append((name, row, 0))
            print(f"{'not ok' if bad else 'ok'} {os.path.basename(path)} {name}"
                  + f' {time.monotonic() - began:.1f} s' + ''.join('\n    ' + b for b in bad),
                  flush=True)
        goals += 1
        told = try_on_compiler(os.path.abspath(path), unit,
                               [n for n in sorted(called) if scalar(unit, n)], work, flags, extra)
        if isinstance(told, int):
            tried += told
            proved += 1
        else:
            print(f'not ok {os.path.basename(path)} read as the compiler reads it: {told}')
    print(f'{lemmas} lemmas; the compiled code agreed in {tried} calls')
    print(f'{goals} goals, {proved} proved')
    sys.exit(goals != proved)


if __name__ == '__main__':
    main()
