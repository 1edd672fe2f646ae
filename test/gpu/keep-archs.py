"""`keep-archs.py LIBRARY 80,90`: zeroes the CUDA images of a library that are machine code for other cards, and all PTX.

In place. The images keep their places and sizes, so that nothing else changes; zeroes pack to nothing.
"""
import struct
import sys

path, archs = sys.argv[1], {int(arch) for arch in sys.argv[2].split(',')}
with open(path, 'rb') as file:
    data = bytearray(file.read())

# A container of images: magic, version, size of its header, size of what follows.
MAGIC = struct.pack('<IH', 0xBA55ED50, 1)
PTX, MACHINE_CODE = 1, 2
kept = cleared = 0
at = data.find(MAGIC)
while at >= 0:
    header, size = struct.unpack_from('<HQ', data, at + 6)
    image, end = at + header, at + header + size
    if header != 16 or end > len(data):
        at = data.find(MAGIC, at + 4)
        continue
    while image < end:
        kind, _, image_header, image_size = struct.unpack_from('<HHIQ', data, image)
        (arch,) = struct.unpack_from('<I', data, image + 28)
        if kind not in (PTX, MACHINE_CODE) or image_header < 32:
            break
        start = image + image_header
        if kind == MACHINE_CODE and arch in archs:
            kept += image_size
        else:
            data[start : start + image_size] = bytes(image_size)
            cleared += image_size
        image = start + image_size
    at = data.find(MAGIC, end)
if cleared and not kept:
    sys.exit(f'{path} has no machine code for {sys.argv[2]}')
with open(path, 'wb') as file:
    file.write(data)
print(f'  {path.rsplit("/", 1)[-1]}: {kept / 1e6:.0f} MB of machine code kept, {cleared / 1e6:.0f} MB cleared')
