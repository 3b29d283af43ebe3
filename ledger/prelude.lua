-- 存证 prelude, shared by every live room: the clock, the outage record, the gap-free append, the outbox.
-- Money stays an integer below 2^53; numbers are written with %d (64 bits here) because tostring(1e14) is
-- "1e+14".

local GAP_MS = 2000          -- a shard silent for longer is an outage worth recording
local RENEW_MS = 400         -- how often a call renews the sign of life
local SKEW_MS = 1000         -- a caller whose clock is off by more is itself refused

local function now_ms()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

-- An integer written as plain digits, no sign, no leading zero; nil for anything else ("nan", "0x10", "1e3", " 5 ").
local function digits(text)
  if type(text) == 'string' and #text <= 15 and string.match(text, '^[1-9]%d*$') then return tonumber(text) end
  return nil
end

local function num(text) return tonumber(text) or 0 end

-- Many field, value pairs into one hash; unpack carries some 8,000 values.
local function put_all(key, flat)
  for i = 1, #flat, 4000 do redis.call('HSET', key, unpack(flat, i, math.min(#flat, i + 3999))) end
end

-- The shard's heartbeat: hash {last, gaps, g1..gk = "from:to"}. Any call records a silence it finds, and
-- is itself a sign of life: a busy lot is not out of service because its heartbeat is late.
--   returns  the number of gaps on record
local function beat(key, now)
  local b = redis.call('HMGET', key, 'last', 'gaps')
  local last, gaps = num(b[1]), num(b[2])
  if last == 0 then
    redis.call('HSET', key, 'last', string.format('%d', now))
  elseif now - last > GAP_MS then
    gaps = gaps + 1
    redis.call('HSET', key, 'last', string.format('%d', now), 'gaps', gaps,
      'g' .. gaps, string.format('%d:%d', last, now))
  elseif now - last > RENEW_MS then
    redis.call('HSET', key, 'last', string.format('%d', now))
  end
  return gaps, last
end

-- The log of one lot: one stream entry a call, id <n of its last event>-0, its events in order as a JSON array.
-- `chain` is a cheap sha1 tripwire over the lines; the real proof is made outside.
local function append(lot, kind, members)
  lot.n = lot.n + 1
  local line = string.format('{"n":%d,"at":%d,"kind":"%s"%s}', lot.n, lot.at, kind, members)
  lot.chain = redis.sha1hex(lot.chain .. line)
  lot.lines[#lot.lines + 1] = line
  return lot.n
end

-- Returns the JSON array written, or '' when nothing was appended.
local function write_log(key, lot)
  if #lot.lines == 0 then return '' end
  local events = '[' .. table.concat(lot.lines, ',') .. ']'
  redis.call('XADD', key, string.format('%d-0', lot.n), 'e', events)
  return events
end
