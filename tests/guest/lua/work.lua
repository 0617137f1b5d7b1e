-- SPDX-License-Identifier: GPL-3.0-or-later
-- Work for an interpreter inside the guest: tables, strings, closures, floats. The argument scales it.
local scale = tonumber(arg[1]) or 1

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

local function fib(n)
    if n < 2 then return n end
    return fib(n - 1) + fib(n - 2)
end

local function sort_words(n)
    local words, seed = {}, 42
    for i = 1, n do
        seed = (seed * 1103515245 + 12345) & 0x7fffffff
        words[i] = string.format("%x-%d", seed >> 8, i % 7)
    end
    table.sort(words)
    local counts = {}
    for _, word in ipairs(words) do
        local key = word:sub(1, 1)
        counts[key] = (counts[key] or 0) + #word
    end
    local out = {}
    for key, count in pairs(counts) do out[#out + 1] = key .. count end
    table.sort(out)
    return table.concat(out, ",")
end

local function integrate(n)
    local sum = 0.0
    for i = 1, n do
        local x = (i - 0.5) / n
        sum = sum + 4 / (1 + x * x)
    end
    return sum / n
end

for round = 1, scale do
    local primes, f, words, pi = sieve(4000), fib(15), sort_words(400), integrate(3000)
    if round == scale then
        print(primes, f, words)
        print(string.format("%.12f", pi))
    end
end
