-- SPDX-License-Identifier: GPL-3.0-or-later
-- Two megabytes that compress about as text does: words of a made-up
-- language, drawn with a skew, from a fixed seed.
local seed = 7
local function random(n)
  seed = (seed * 1103515245 + 12345) % 2147483648
  return (seed >> 8) % n
end
local lexicon = {}
for i = 1, 4000 do
  local w = {}
  for k = 1, 2 + random(4) do w[k] = string.sub("bcdfglmnprst", random(12) + 1, -1):sub(1, 1)
      .. string.sub("aeiou", random(5) + 1, -1):sub(1, 1) end
  lexicon[i] = table.concat(w)
end
local size = 0
while size < 2000000 do
  local line = {}
  for k = 1, 12 do line[k] = lexicon[1 + random(1 + random(4000))] end
  local s = table.concat(line, " ") .. "\n"
  io.write(s)
  size = size + #s
end
