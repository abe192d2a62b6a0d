-- wrk script: posts the body of BODY with ids 1000 to 2023 in turn (@ID@), and with a number never used before (@N@).
-- UNLIKE=1 gives every request a head of its own. CHECK=1 looks for EXPECT in every answer.
local file = assert(io.open(assert(os.getenv("BODY"))))
local template = file:read("*a"):gsub("%s+$", "")
file:close()
local path, distinct = os.getenv("ENDPOINT") or "/graphql", tonumber(os.getenv("DISTINCT") or "0")
local headers = {
  ["Content-Type"] = "application/json", ["Accept"] = "application/json",
  ["Authorization"] = "Bearer bench-token", ["Wethod-Company"] = "acme", ["Wethod-Version"] = "2024-06-15",
}
local ready, turn = {}, 0
local function make(i)
  local body = template:gsub("@ID@", tostring(1000 + i % 1024)):gsub("@N@", tostring(i))
  if os.getenv("UNLIKE") == "1" then headers["X-Request-ID"] = "load-" .. i end
  return wrk.format("POST", path, headers, body)
end
function init() for i = 1, 1024 do ready[i] = make(i) end end
function request()
  turn = turn + 1
  if distinct > 0 then return make(turn % distinct) end
  return ready[turn % 1024 + 1]
end
if os.getenv("CHECK") == "1" then
  local wanted = os.getenv("EXPECT") or "successfully deleted"
  threads = {}
  function setup(thread) table.insert(threads, thread) end
  bad = 0
  function response(status, _, body)
    if status ~= 200 or not body:find(wanted, 1, true) or body:find('"errors"', 1, true) then bad = bad + 1 end
  end
end
function done(summary, latency)
  local bad = 0
  for _, thread in ipairs(threads or {}) do bad = bad + thread:get("bad") end
  local e = summary.errors
  io.write(string.format('RESULT {"requests":%d,"seconds":%.3f,"p50":%.3f,"p99":%.3f,"max":%.3f,"errors":%d,"bad":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    latency.max / 1000, e.status + e.connect + e.read + e.write + e.timeout, bad))
end
