-- A wrk script that posts the body in the file BODY; @ID@ in it stands for an id.
-- HEADS=differ: ten header fields, as a router sends them: one of 64 tokens and 16 companies, and a request id and a trace
-- context of its own for each of 8,192 requests. HEADS=same: one head for all requests, as a script sends it.
-- CHECK=1 counts the answers that are not a success.
local REQUESTS, FIRST_ID = 8192, 1000
local endpoint, differ = os.getenv("ENDPOINT"), os.getenv("HEADS") == "differ"
local file = assert(io.open(os.getenv("BODY")))
local body = file:read("*a")
file:close()

local function random_hex(bytes)
  return (("x"):rep(bytes):gsub("x", function() return ("%02x"):format(math.random(0, 255)) end))
end

local function fields(number)
  local user = differ and number or 0
  local sent = {
    ["Content-Type"] = "application/json",
    ["Accept"] = "application/json, application/graphql-response+json;q=0.9",
    ["Authorization"] = ("Bearer token-of-user-%030d"):format(user % 64),
    ["Wethod-Company"] = "company-" .. user % 16,
    ["Wethod-Version"] = "2024-06-15",
  }
  if differ then
    sent["User-Agent"], sent["Accept-Encoding"] = "router/1.0", "gzip, br"
    sent["X-Forwarded-For"] = ("192.0.2.%d"):format(number % 250 + 1)
    sent["X-Request-ID"] = random_hex(16)
    sent["traceparent"] = ("00-%s-%s-01"):format(random_hex(16), random_hex(8))
  end
  return sent
end

local requests, turn = {}, 0
function init()
  math.randomseed(1)
  for number = 1, REQUESTS do
    local text = body:gsub("@ID@", tostring(FIRST_ID + number))
    requests[number] = wrk.format("POST", endpoint, fields(number), text)
  end
end
function request()
  turn = turn % REQUESTS + 1
  return requests[turn]
end

local threads = {}
function setup(thread) threads[#threads + 1] = thread end
wrong = 0
if os.getenv("CHECK") == "1" then
  function response(status, _, text)
    local right = status == 200 and text:find("successfully deleted", 1, true) and not text:find('"errors"', 1, true)
    if not right then wrong = wrong + 1 end
  end
end

function done(summary, latency)
  local total, e = 0, summary.errors
  for _, thread in ipairs(threads) do total = total + thread:get("wrong") end
  io.write(("RESULT {\"requests\":%d,\"seconds\":%.3f,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"errors\":%d,\"wrong\":%d}\n"):format(
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    e.status + e.connect + e.read + e.write + e.timeout, total))
end
