-- SPDX-License-Identifier: GPL-3.0-or-later
-- The language itself: numbers, strings, closures, metatables, coroutines, errors.
print(_VERSION, #arg, arg[1])
print(7 // 2, -7 // 2, 7 % -3, 7.5 // 2, 2 ^ 10, 10 / 4, 1 << 40, ~0, 0x7fffffffffffffff + 1)
print(1e15, 1e100, 0.1 + 0.2, -0.0, 1 / 0, 3 == 3.0, math.type(3), math.type(3.0), math.tointeger(8.0))
print(string.format("%5.3f|%-8s|%08x|%g|%q", math.pi, "left", 48879, 1e-5, "q\n"))
print(("hello world"):gsub("o", "0"), ("key=val"):match("(%w+)=(%w+)"), ("x"):rep(5, "-"))

local function counter()
    local n = 0
    return function() n = n + 1; return n end
end
local a, b = counter(), counter()
print(a(), a(), b())

local Vector = {}
Vector.__index = Vector
Vector.__add = function(u, v) return setmetatable({u[1] + v[1], u[2] + v[2]}, Vector) end
Vector.__tostring = function(v) return "(" .. v[1] .. ", " .. v[2] .. ")" end
print(tostring(setmetatable({1, 2}, Vector) + setmetatable({3, 4.5}, Vector)))

local producer = coroutine.wrap(function() for i = 1, 5 do coroutine.yield(i * i) end end)
local squares = {}
for v in producer do
    squares[#squares + 1] = v
    if v == 25 then break end
end
print(table.concat(squares, " "), select("#", table.unpack(squares)))
print(pcall(function() local t = nil; return t.x end))
print(pcall(error, {code = 5}) , select(2, pcall(error, "text", 0)))
goto done
print("not reached")
::done::
print(string.pack("<i4", 100):byte(1, -1), string.unpack("<d", string.pack("<d", 2.5)))
print(math.floor(-3.5), math.max(3, 9, 2), math.fmod(7, 3), math.sqrt(2), math.sin(1), math.exp(1))
