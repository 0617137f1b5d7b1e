# SPDX-License-Identifier: GPL-3.0-or-later
"""The guests of tlb_test with their arguments, and the geometries: (sets, ways)."""

GEOMETRIES = [(1, 4), (1, 16), (1, 32), (1, 64), (4, 4), (8, 8), (16, 1), (16, 4), (64, 2)]
CASES = """
stride
stride pages=65 words=4
stride pages=17 passes=100 words=512
stride pages=64 stride=8 passes=20 stores=2
stride pages=96 stride=3 passes=4
stride pages=64 stride=64 leaf=16 passes=3
stride pages=40 stride=512 leaf=21 passes=5
stride pages=512 words=3 leaf=21 passes=5
stride pages=100 leaf=16 passes=5
uniform
uniform pages=100 count=20000 stores=4
uniform pages=96 stride=3
uniform pages=40 stride=512 leaf=21
uniform pages=2000 leaf=16
chase
chase pages=65 rounds=30
chase pages=4000 rounds=2
chase pages=40 stride=512 leaf=21
matrix
matrix tile=8
matrix rows=64 columns=96 tile=16
matrix rows=64 columns=96 leaf=21
join
join built=400 probed=3000 bits=9 leaf=16
join leaf=21
gups
gups pages=2000 leaf=21
asid
asid flush=1
asid flush=2
asid same=1
asid global=1
asid same=1 flush=2 global=1
asid spaces=20 pages=5
fences
fences what=1
fences what=2
fences what=3
fences what=4
fences what=5
fences what=1 pages=64 leaf=16
code
code pages=33 passes=30
code pages=64 stride=16 leaf=16
code pages=40 stride=512 leaf=21
code pages=100 stride=3
cross
cross pages=70
cross pages=70 leaf=16
upgrade
upgrade pages=40
faults
faults pages=100 passes=3
""".strip().split("\n")
