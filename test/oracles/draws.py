"""Voxels drawn by the rule of src/sampling/draw.ts, in arithmetic of its own: writes draws.json.

Written from the published xoroshiro128+ (Blackman and Vigna, 24-16-37) in 64-bit whole numbers, where the library
under test works in pairs of 32 bits. Needs Python alone: python3 test/oracles/draws.py > test/oracles/draws.json
"""
import hashlib
import json
import platform

MASK = 2**64 - 1


def rotated(x, k):
    return ((x << k) | (x >> (64 - k))) & MASK


class Stream:
    def __init__(self, seed):
        start = int(hashlib.sha256(f'{seed}'.encode()).hexdigest()[:8], 16)
        self.a = 0xFFFFFFFF << 32 | (~start & 0xFFFFFFFF)
        self.b = start << 32

    def word(self):
        out = (self.a + self.b) & 0xFFFFFFFF
        mixed = self.a ^ self.b
        self.a, self.b = rotated(self.a, 24) ^ mixed ^ (mixed << 16 & MASK), rotated(mixed, 37)
        return out ^ 0x80000000

    def below(self, n):
        """Uniform in 0 .. n-1: words beyond the last whole multiple of n are thrown away."""
        while True:
            word = self.word()
            if word < 2**32 // n * n:
                return word % n


def labels_of(dims):
    """Two classes and background, by a rule a reader can follow: 3 where the place is 7 mod 50, 1 where it is 0 mod 9."""
    return [3 if i % 50 == 7 else 1 if i % 9 == 0 else 0 for i in range(dims[0] * dims[1] * dims[2])]


def draw(dims, n, seed, foreground):
    stream = Stream(f'{seed}/voxels')
    labels = labels_of(dims) if foreground else []
    classes = [(c, [i for i, l in enumerate(labels) if l == c]) for c in sorted(set(labels) - {0})]
    drawn = []
    for i in range(n):
        if (i + 1) * foreground // n > i * foreground // n:
            label, places = classes[stream.below(len(classes))]
            place = places[stream.below(len(places))]
        else:
            label, place = 0, stream.below(dims[0] * dims[1] * dims[2])
        x, y, _ = dims
        drawn.append([place % x, place // x % y, place // (x * y), label])
    return drawn


cases = [
    {'dims': [240, 240, 155], 'n': 24, 'seed': 1, 'foreground': 0},
    {'dims': [240, 240, 155], 'n': 12, 'seed': 'a word', 'foreground': 0},
    {'dims': [1290, 1290, 1290], 'n': 12, 'seed': 2, 'foreground': 0},
    {'dims': [11, 13, 17], 'n': 30, 'seed': 3, 'foreground': 10},
    {'dims': [11, 13, 17], 'n': 9, 'seed': 4, 'foreground': 9},
]
for case in cases:
    case['drawn'] = draw(**case)
text = ',\n'.join(json.dumps(case) for case in cases)
print(f'{{"made": "Python {platform.python_version()}",\n"cases": [\n{text}\n]}}')
