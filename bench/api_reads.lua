-- Readers at a steady rate, for wrk: each request is due at its own moment, whether the last answer was quick or not.
--
-- Run by `bench.api`, in one thread. Arguments: a file of requests, a line each (kind, path and token, by tabs), where
-- to write how each went (kind, status and milliseconds, by tabs), and how many are due a second. Times count from the
-- moment that a request was due: whoever comes late, since all connections wait for answers, is counted as late.

local ffi = require("ffi")
ffi.cdef [[
  typedef struct { long seconds; long nanoseconds; } moment;
  int clock_gettime(int clock, moment *into);
]]
local MONOTONIC, now_is = 1, ffi.new("moment")

local function now()
  ffi.C.clock_gettime(MONOTONIC, now_is)
  return tonumber(now_is.seconds) * 1000 + tonumber(now_is.nanoseconds) / 1e6
end

local requests, waits_for, found = {}, {}, nil
local rate, began, turns, sent = 0, nil, 0, 0

local function due(number)
  return began + (number - 1) * 1000 / rate
end

function init(arguments)
  for line in io.lines(arguments[1]) do
    local kind, path, token = line:match("([^\t]*)\t([^\t]*)\t([^\t]*)")
    requests[#requests + 1] = { kind = kind, path = path, token = token }
  end
  found, rate = assert(io.open(arguments[2], "w")), tonumber(arguments[3])
  found:setvbuf("line")
end

-- Whole milliseconds until a connection that is free has its turn. Those that wait go in the order of their turns.
function delay()
  began = began or now()
  turns = turns + 1
  return math.max(0, math.ceil(due(turns) - now()))
end

function request()
  if began == nil then -- wrk looks how one reads before it begins
    return wrk.format("GET", "/")
  end
  sent = sent + 1
  local asked = requests[(sent - 1) % #requests + 1]
  waits_for[tostring(sent)] = { kind = asked.kind, due = due(sent) }
  return wrk.format("GET", asked.path, {
    ["Host"] = wrk.headers["Host"],
    ["Authorization"] = "Bearer " .. asked.token,
    ["X-Correlation-Id"] = tostring(sent), -- comes back with the answer, which is told apart by it
  })
end

function response(status, headers)
  local id = headers["x-correlation-id"]
  local asked = waits_for[id]
  found:write(asked.kind, "\t", status, "\t", string.format("%.3f", now() - asked.due), "\n")
  waits_for[id] = nil
end

-- What was not answered at all.
function done(summary)
  for what, count in pairs(summary.errors) do
    if what ~= "status" and count > 0 then
      io.stderr:write(what, "\t", count, "\n")
    end
  end
end
