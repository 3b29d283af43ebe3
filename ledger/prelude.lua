-- 存证 prelude, shared by every live room: the clock, the outage record, the gap-free append, the outbox.
-- Money stays an integer below 2^53; numbers are written with %d (64 bits here) because tostring(1e14) is
-- "1e+14".

local GAP_MS = 2000          -- a shard silent for longer is an outage worth recording
local RENEW_MS = 400         -- how often a call renews the sign of life
local SKEW_MS = 1000         -- the shard's time and a caller's clock agree when they are no further apart
local DOUBT_MS = 1000        -- so long must every caller disagree before the shard takes their time

local function now_ms()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

-- An integer written as plain digits, no sign, no leading zero; nil for anything else ("nan", "0x10", "1e3", " 5 ").
local function digits(text)
  if type(text) == 'string' and #text <= 15 and string.find(text, '^[1-9]%d*$') then return tonumber(text) end
  return nil
end

-- The digits of an integer, remembered: a clock, a rank, an end come again and again, and writing a number is dear.
local written, written_count = {}, 0
local function text_of(number)
  local text = written[number]
  if text then return text end
  if written_count == 2000 then written, written_count = {}, 0 end
  text = string.format('%d', number)
  written[number], written_count = text, written_count + 1
  return text
end

local function num(text) return tonumber(text) or 0 end

-- Many field, value pairs into one hash; unpack carries some 8,000 values.
local function put_all(key, flat)
  for i = 1, #flat, 4000 do redis.call('HSET', key, unpack(flat, i, math.min(#flat, i + 3999))) end
end

-- The shard's heartbeat and its time: hash {last, gaps, g1..gk = "from:to", shift}. The shard's time is this machine's
-- wall clock moved by `shift`; it passes only where the caller's clock agrees (docs/decisions/0013): where it does
-- not, nothing is recorded and the caller is refused. Any call that agrees records a silence it finds, and is itself a
-- sign of life: a busy lot is not out of service because its heartbeat is late.
--   returns  the number of gaps on record, the shard's time, whether the caller agrees, the shift
local function beat(key, caller)
  local b = redis.call('HMGET', key, 'last', 'gaps', 'shift')
  local last, gaps, shift = num(b[1]), num(b[2]), num(b[3])
  local now = now_ms() + shift
  if now < last - SKEW_MS then  -- the wall clock was put back: time goes on from the last sign of life
    now, shift = last, shift + last - now
    redis.call('HSET', key, 'shift', string.format('%d', shift))
  end
  if math.abs(caller - now) > SKEW_MS then return gaps, now, false, shift end
  if last == 0 then
    redis.call('HSET', key, 'last', string.format('%d', now))
  elseif now - last > GAP_MS then
    gaps = gaps + 1
    redis.call('HSET', key, 'last', string.format('%d', now), 'gaps', gaps,
      'g' .. gaps, string.format('%d:%d', last, now))
  elseif now - last > RENEW_MS then
    redis.call('HSET', key, 'last', string.format('%d', now))
  end
  return gaps, now, true, shift
end

-- From now on the shard's time is `time`.
local function take_time(key, time)
  redis.call('HSET', key, 'shift', string.format('%d', time - now_ms()))
end

-- A heartbeat, once or twice a second from every process that serves the shard. `sure`: the caller saw in the answer to
-- his last one that he disagrees, so it is not this call that was long on its way. When for DOUBT_MS all who beat are
-- sure, agree with each other and none with the shard, the wall clock was put forward: the shard takes their time.
local function heartbeat(keys, args)
  local key, caller = keys[1], num(args[1])
  local gaps, now, agreed, shift = beat(key, caller)
  local doubt = redis.call('HMGET', key, 'doubt_since', 'doubt_by')
  local since, by = num(doubt[1]), num(doubt[2])
  if agreed then
    if since > 0 then redis.call('HDEL', key, 'doubt_since', 'doubt_by') end
  elseif args[2] == '1' then
    if since == 0 or math.abs(caller - now - by) > SKEW_MS then
      redis.call('HSET', key, 'doubt_since', string.format('%d', caller), 'doubt_by', string.format('%d', caller - now))
    elseif caller - since >= DOUBT_MS then
      redis.call('HDEL', key, 'doubt_since', 'doubt_by')
      take_time(key, math.max(caller, num(redis.call('HGET', key, 'last'))))
      gaps, now, agreed, shift = beat(key, caller)
    end
  end
  return { gaps, string.format('%d', now), string.format('%d', shift) }
end

-- The log of one lot: one stream entry a call, id <n of its last event>-0, its events in order as a JSON array.
-- Returns the position as digits.
local function append(lot, kind, members)
  lot.n = lot.n + 1
  local n = string.format('%d', lot.n)
  local line = '{"n":' .. n .. ',"at":' .. text_of(lot.at) .. ',"kind":"' .. kind .. '"' .. members .. '}'
  lot.lines[#lot.lines + 1] = line
  return n
end

-- `chain` is a cheap sha1 tripwire over the entries; the real proof is made outside. Returns the JSON array written, or ''
-- when nothing was appended.
local function write_log(key, lot)
  if #lot.lines == 0 then return '' end
  local events = '[' .. table.concat(lot.lines, ',') .. ']'
  lot.chain = redis.sha1hex(lot.chain .. events)
  redis.call('XADD', key, string.format('%d-0', lot.n), 'e', events)
  return events
end
