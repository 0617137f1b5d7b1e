-- SPDX-License-Identifier: GPL-3.0-or-later
-- The same four jobs as work.pl, work.py and work.js: sieve, n-body, words, sort.
local scale = tonumber(arg[1])

local function sieve(n)
  local composite, count = {}, 0
  for i = 2, n do
    if not composite[i] then
      count = count + 1
      for j = i * i, n, i do composite[j] = true end
    end
  end
  return count
end

local function nbody(steps)
  local x, y, vx, vy, dt = 1.0, 0.0, 0.0, 1.0, 0.001
  for _ = 1, steps do
    local r2 = x * x + y * y
    local a = 1 / (r2 * math.sqrt(r2))
    vx, vy = vx - x * a * dt, vy - y * a * dt
    x, y = x + vx * dt, y + vy * dt
  end
  return string.format("%.12f %.12f", x, y)
end

local seed = 42
local function random(n)
  seed = (seed * 3877 + 29573) % 139968
  return seed % n
end

local function words(n)
  local seen, distinct, length = {}, 0, 0
  for _ = 1, n do
    local w = {}
    for k = 1, 3 do w[k] = string.char(97 + random(26)) end
    local s = table.concat(w)
    if not seen[s] then seen[s] = 0; distinct = distinct + 1 end
    seen[s] = seen[s] + 1
    length = length + #string.gsub(s, "[aeiou]", "")
  end
  return distinct .. " " .. length
end

local function sorted(n)
  local t, s = {}, 0
  for i = 1, n do t[i] = random(139968) end
  table.sort(t)
  for i = 1, n do s = (s * 31 + t[i]) % 1000003 end
  return s
end

print(sieve(100000 * scale))
print(nbody(100000 * scale))
print(words(20000 * scale))
print(sorted(20000 * scale))
