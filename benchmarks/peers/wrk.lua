-- Sends the requests of a file in turn, again and again; sees to what follows an answer; prints its figures as JSON.
-- A line of the file: method, path, token and body, with tabs between them. A line of the second file: what an answer
-- holds, and method, path, token and body of the request that then follows, with BOOKING where the booking's id goes.

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

local function fields(line)
  local found = {}
  for field in (line .. "\t"):gmatch("(.-)\t") do table.insert(found, field) end
  return found
end

local function read(path)
  local lines = {}
  for line in io.lines(path) do table.insert(lines, fields(line)) end
  return lines
end

local function format(method, path, token, body)
  local headers = { ["Host"] = "127.0.0.1" }
  if token ~= "" then headers["Authorization"] = "Bearer " .. token end
  if body ~= "" then headers["Content-Type"] = "application/json" end
  return wrk.format(method, path, headers, body ~= "" and body or nil)
end

function init(args)
  local prepared, place, waiting = {}, 0, {}
  for _, each in ipairs(read(args[1])) do table.insert(prepared, format(unpack(each))) end
  local follow_ups = read(args[2])
  failures, refused = 0, ""

  request = function()
    if #waiting > 0 then return table.remove(waiting, 1) end
    place = place % #prepared + 1
    return prepared[place]
  end

  if args[3] == "check" then
    response = function(status, _, body)
      if status ~= 200 or not body:find('"errors": ?%[%]') then
        failures, refused = failures + 1, body
        return
      end
      local booking = body:match('"id": ?"(bok_%d+)"')
      for _, each in ipairs(follow_ups) do
        if body:find(each[1], 1, true) then
          table.insert(waiting, format(each[2], each[3], each[4], (each[5]:gsub("BOOKING", booking))))
        end
      end
    end
  end
end

function done(summary, latency)
  local failed, example = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.status
    + summary.errors.timeout, ""
  for _, thread in ipairs(threads) do
    if (thread:get("failures") or 0) > 0 then failed, example = failed + thread:get("failures"), thread:get("refused") end
  end
  io.write(string.format('\n{"requests": %d, "seconds": %.6f, "p50_ms": %.3f, "p99_ms": %.3f, "failed": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000, failed))
  io.write(example)
end
