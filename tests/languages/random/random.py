"""textstat with random values, called from Python; README.md beside this.

    random.py RESOURCE SEED ROUNDS FILE
"""
import importlib
import os
import struct
import sys

import rhodes

NUMBERS = 8  # times, in a round
DOCS = 3
SHOWN = 24
MANY = 3 << 24
LARGE = 1 << 20
WORD = (1 << 64) - 1
PIECES = [piece.encode() for piece in ("a", "Z", " ", "\n", "ß", "€", "😀", "\ufffd")]
LETTERS = b"aeiouxyzQRS \n\t.~" * 16
DIGITS = b"0123456789123456" * 16


def mix(z):
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9 & WORD
    z = (z ^ z >> 27) * 0x94d049bb133111eb & WORD
    return z ^ z >> 31


class Values:
    def __init__(self, seed):
        self.state = seed

    def next(self):
        self.state = (self.state + 0x9e3779b97f4a7c15) & WORD
        return mix(self.state)

    def below(self, n):
        return self.next() % n

    def number(self, bits):
        every, top = (1 << bits) - 1, 1 << (bits - 1)
        n = self.next() >> (64 - bits)
        n >>= self.below(bits)
        return n ^ (0, every, top, every ^ top)[self.below(4)]

    def real(self, exponent, mantissa):
        quiet, every = 1 << (mantissa - 1), (1 << exponent) - 1
        sign, kind = self.below(2), self.below(8)
        m, e = self.next() >> (64 - mantissa), self.next() >> (64 - exponent)
        e = every if kind <= 2 else 0 if kind <= 4 else e
        if kind == 0:
            m |= quiet
        elif kind == 1:
            m = m & ~quiet | 1
        elif kind in (2, 4):
            m = 0
        if exponent == 8 and e == every and m:
            m |= quiet
        return sign << (exponent + mantissa) | e << mantissa | m

    def size(self):
        kind = self.below(16)
        if kind == 0:
            return 0
        if kind <= 10:
            return self.below(33)
        if kind <= 12:
            return 380 + self.below(9)
        return self.below(2000 if kind <= 14 else 70000)

    def bytes(self, size):
        words = (self.next() for _ in range((size + 7) // 8))
        return b"".join(word.to_bytes(8, "little") for word in words)[:size]

    def utf8(self):
        return b"".join(PIECES[byte % 8] for byte in self.bytes(self.size()))

    def text(self):
        kind = self.below(4)
        if kind in (1, 3):
            text = self.utf8()
            return text[:-1] if kind == 3 else text
        data = self.bytes(self.size())
        return data.translate(LETTERS) if kind == 2 else data.replace(b"\0", b"\1")

    def perhaps(self):
        return self.utf8() if self.below(4) else None

    def numeral(self):
        if not self.below(4):
            return self.text()
        sign = (b"", b"-", b"+", b" ")[self.below(4)]
        return sign + self.bytes(self.below(22)).translate(DIGITS)

    def summary(self):
        counts = [self.number(64), self.number(64), self.number(64), as_double(self.real(11, 52))]
        longest = self.number(32), self.number(32)
        letters = [self.number(32) for _ in range(26)]
        share = struct.unpack("<f", struct.pack("<I", self.real(8, 23)))[0]
        return counts, longest, letters, share, signed(self.number(8), 8)


def signed(n, bits):
    return n - (1 << bits) if n >> (bits - 1) else n


def as_double(bits):
    return struct.unpack("<d", struct.pack("<Q", bits))[0]


def digest_of(data):
    every = len(data)
    padded = bytes(data) + bytes(-len(data) % 8)
    for word, in struct.iter_unpack("<Q", padded):
        every = mix(every ^ word)
    return every


# ---- how values are printed

def hexed(n, bits):
    return f"{n & ((1 << bits) - 1):0{bits // 4}x}"


def shown(data):
    if data is None:
        return "null"
    data = data.encode("utf-8", "surrogateescape") if isinstance(data, str) else bytes(data)
    if len(data) <= SHOWN:
        return f"{len(data)}:{data.hex()}"
    return f"{len(data)}:{data[:8].hex()}..{digest_of(data):016x}"


def bits_of(value):
    return struct.pack(">d", value).hex()


def mean(value):
    return "nan" if value != value else bits_of(value)  # pylint: disable=comparison-with-itself


def counted(counts, real=mean):
    return f"{counts.bytes:016x} {counts.words:016x} {counts.lines:016x} {real(counts.mean_word)}"


def spanned(span):
    return f"{span.offset:08x} {span.length:08x}"


def rest(summary):
    return " ".join([spanned(summary.longest), *(f"{n:08x}" for n in summary.letters),
                     struct.pack(">f", summary.share).hex(), hexed(summary.is_ascii, 8)])


def summed(summary):
    return f"{counted(summary.counts, bits_of)} {rest(summary)}"


class Caller:
    def __init__(self, ts, seed, name):
        self.ts = ts
        self.values = Values(seed)
        self.name = name
        self.docs = [None] * DOCS
        self.digest = self.calls = self.round = 0

    def say(self, function, *words):
        line = f"{self.round} {function} {' '.join(words)}"
        self.digest = mix(self.digest ^ digest_of(line.encode()))
        self.calls += 1
        print(line)

    def integers(self):
        v, ts = self.values, self.ts
        a, b = v.number(32), v.number(32)
        numbers = [(v.number(bits), bits) for bits in (8, 8, 16, 16, 32, 64)]
        x, y = v.number(64), v.number(64)
        self.say("ts_add", hexed(a, 32), hexed(b, 32), "=",
                 hexed(ts.ts_add(signed(a, 32), signed(b, 32)), 32))
        words = [n if i in (1, 3, 4) else signed(n, bits) for i, (n, bits) in enumerate(numbers)]
        self.say("ts_sum", *(hexed(n, bits) for n, bits in numbers), "=",
                 hexed(ts.ts_sum(*words), 64))
        self.say("ts_max", hexed(x, 64), hexed(y, 64), "=", hexed(ts.ts_max(x, y), 64))
        self.refused(OverflowError, ts.ts_max, x + (1 << 64), y)
        self.refused(OverflowError, ts.ts_add, signed(a, 32), -(1 << 31) - 1 - b)

    def refused(self, error, function, *words):
        """What does not fit is told before anything is sent."""
        try:
            function(*words)
        except error:
            return
        sys.exit(f"differs: {function.__name__}{words} raises no {error.__name__}")

    def reals(self):
        v, ts = self.values, self.ts
        a, b, value = v.real(11, 52), v.real(8, 23), v.real(11, 52)
        narrow = struct.unpack("<f", struct.pack("<I", b))[0]
        self.say("ts_mean", hexed(a, 64), hexed(b, 32), "=",
                 mean(ts.ts_mean(as_double(a), narrow)))
        self.say("ts_same", hexed(value, 64), "=", bits_of(ts.ts_same(as_double(value))))

    def unit(self):
        v = self.values
        return v.below(4) if v.below(2) else v.number(32)

    def enum(self):
        unit = self.unit()
        self.say("ts_next", hexed(unit, 32), "=", hexed(self.ts.ts_next(signed(unit, 32)), 32))

    def structs(self):
        v, ts = self.values, self.ts
        one, two = [ts.ts_span(v.number(32), v.number(32)) for _ in range(2)]
        by, a, b = v.number(32), v.summary(), v.summary()
        if v.below(4) == 0:
            b[0][0] = a[0][0]
        self.say("ts_end", spanned(one), "=", hexed(ts.ts_end(one), 32))
        before = spanned(two)
        result, moved = ts.ts_shift(two, signed(by, 32))
        self.say("ts_shift", before, hexed(by, 32), "=", hexed(result, 32),
                 hexed(rhodes.get_errno() if result else 0, 32), spanned(moved))
        a, b = [ts.ts_summary(ts.ts_counts(*of[0]), ts.ts_span(*of[1]), *of[2:]) for of in (a, b)]
        self.say("ts_longer", summed(a), summed(b), "=", summed(ts.ts_longer(a, b)))

    def counts(self):
        v, ts = self.values, self.ts
        some, other, third, unit = v.text(), v.perhaps(), v.text(), self.unit()
        self.say("ts_count", shown(some), "=", counted(ts.ts_count(some)))
        result = ts.ts_measure(other, signed(unit, 32))
        self.say("ts_measure", shown(other), hexed(unit, 32), "=", hexed(result, 64),
                 hexed(rhodes.get_errno() if result < 0 else 0, 32))
        result, summary = ts.ts_summarize(third.decode("utf-8", "surrogateescape"))
        self.say("ts_summarize", shown(third), "=", hexed(result, 32), counted(summary.counts),
                 rest(summary))
        self.refused(ValueError, ts.ts_count, some + b"\0" + third)

    def texts(self):
        v, ts = self.values, self.ts
        some, other, digits = v.text(), v.text(), v.numeral()
        times = v.below(4) if v.below(4) else v.number(32) | MANY
        self.say("ts_upper", shown(some), "=", shown(ts.ts_upper(some)))
        repeated = ts.ts_repeat(other, times)
        self.say("ts_repeat", shown(other), hexed(times, 32), "=",
                 hexed(rhodes.get_errno() if repeated is None else 0, 32), shown(repeated))
        parsed = ts.ts_parse(digits)
        self.say("ts_parse", shown(digits), "=", hexed(parsed, 64),
                 hexed(rhodes.get_errno() if parsed == -1 else 0, 32))

    def bytes(self):
        v, ts = self.values, self.ts
        hashed, cap, count = v.bytes(v.size()), v.size(), v.number(32)
        self.say("ts_hash", shown(hashed), "=", hexed(ts.ts_hash(hashed), 64))
        got, data = ts.ts_fill(cap, count)
        self.say("ts_fill", hexed(cap, 32), hexed(count, 32), "=", hexed(got, 64), shown(data))
        turned = v.bytes(v.size() if self.round else LARGE + v.below(1000))
        result, data = ts.ts_reverse(turned)
        self.say("ts_reverse", shown(turned), "=", hexed(result, 32), shown(data))

    def files(self):
        ts, data = self.ts, self.values.bytes(self.values.size())
        with open(self.name, "wb+") as file:
            file.write(data)
            file.seek(0)
            drained = ts.ts_drain(file)
        self.say("ts_drain, ts_file", shown(data), "=", hexed(drained, 64),
                 hexed(ts.ts_file(self.name), 64),
                 hexed(ts.ts_file(os.fsencode(self.name) + b".none"), 64))

    def use(self, slot):
        v, ts, doc = self.values, self.ts, self.docs[slot]
        match v.below(4):
            case 0:
                result, counts = ts.ts_doc_count(doc)
                self.say("ts_doc_count", str(slot), "=", hexed(result, 32), counted(counts))
            case 1:
                doc.close()
                self.docs[slot] = None
            case _:
                text = v.text()
                self.say("ts_doc_add", str(slot), shown(text), "=",
                         hexed(ts.ts_doc_add(doc, text), 64))

    def objects(self):
        for _ in range(4):
            slot = self.values.below(DOCS)
            if self.docs[slot]:
                self.use(slot)
                continue
            title = self.values.perhaps()
            self.docs[slot] = self.ts.ts_doc_open(title)
            self.say("ts_doc_open", str(slot), shown(title), "=",
                     shown(self.ts.ts_doc_title(self.docs[slot])))


def main():
    resource, seed, rounds, name = sys.argv[1:]
    caller = Caller(importlib.import_module(resource), int(seed), name)
    for caller.round in range(int(rounds)):
        for part in (caller.integers, caller.reals, caller.enum) * NUMBERS + (
                caller.structs, caller.counts, caller.texts, caller.bytes, caller.files,
                caller.objects):
            part()
    print(f"ok {caller.calls} calls, digest {caller.digest:016x}")


if __name__ == "__main__":
    main()
