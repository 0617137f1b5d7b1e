-- SPDX-License-Identifier: GPL-3.0-or-later
-- Files through the C library: write, append, seek, read by lines and numbers, rename, remove.
local f = assert(io.open("notes", "w"))
for i = 1, 50 do f:write("line ", i, "\n") end
f:close()
f = assert(io.open("notes", "a"))
f:write("12 0x10 3.5\n")
f:close()
local count, length = 0, 0
for line in io.lines("notes") do
    count = count + 1
    length = length + #line
end
print(count, length)
f = assert(io.open("notes", "r"))
print(f:seek("end"), f:seek("set", 5), f:read(3), f:read("l"))
f:seek("end", -12)
print(f:read("n", "n", "n"))
f:close()
print(os.rename("notes", "kept"), io.open("notes"))
f = assert(io.open("gone", "wb"))
f:write(("\0\1\2\255"):rep(1000))
f:close()
f = assert(io.open("gone", "rb"))
print(#f:read("a"))
f:close()
print(os.remove("gone"))
