# SPDX-License-Identifier: GPL-3.0-or-later
# The same four jobs as work.lua: sieve, n-body, words, sort.
import math, re, sys
scale = int(sys.argv[1])

def sieve(n):
    composite, count = [False] * (n + 1), 0
    for i in range(2, n + 1):
        if not composite[i]:
            count += 1
            for j in range(i * i, n + 1, i):
                composite[j] = True
    return count

def nbody(steps):
    x, y, vx, vy, dt = 1.0, 0.0, 0.0, 1.0, 0.001
    for _ in range(steps):
        r2 = x * x + y * y
        a = 1 / (r2 * math.sqrt(r2))
        vx, vy = vx - x * a * dt, vy - y * a * dt
        x, y = x + vx * dt, y + vy * dt
    return "%.12f %.12f" % (x, y)

seed = 42
def random(n):
    global seed
    seed = (seed * 3877 + 29573) % 139968
    return seed % n

def words(n):
    seen, length = {}, 0
    for _ in range(n):
        s = "".join([chr(97 + random(26)) for _ in range(3)])
        seen[s] = seen.get(s, 0) + 1
        length += len(re.sub("[aeiou]", "", s))
    return "%d %d" % (len(seen), length)

def ordered(n):
    s = 0
    for v in sorted([random(139968) for _ in range(n)]):
        s = (s * 31 + v) % 1000003
    return s

print(sieve(100000 * scale))
print(nbody(100000 * scale))
print(words(20000 * scale))
print(ordered(20000 * scale))
