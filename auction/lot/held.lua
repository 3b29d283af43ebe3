-- Lots whose record is in doubt 核对: nothing is taken, nothing ends, until they are released. The field `held` of a lot
-- (the time since which, ms) is no part of its log: what is in doubt is not written on.

-- hold_lot: idempotent.
--   args     caller's clock (ms)
--   returns  1; 0 for a lot that the store does not know
local function hold_lot(keys, args)
  if redis.call('EXISTS', keys[1]) == 0 then return 0 end
  redis.call('HSETNX', keys[1], 'held', string.format('%d', num(args[1])))
  return 1
end

-- release_lot: the lot goes on; the time it was held is an outage, and all are told the note.
--   args     note (JSON), caller's clock (ms)
--   returns  as steer_lot
local function release_lot(keys, args)
  local lot = load_lot(keys)
  if not lot or lot.held == 0 then return { 'refused', 'LOT_UNKNOWN', '', '', '0' } end
  local from = lot.held
  lot.held = 0
  local code = catch_up(keys, lot, num(args[2]))
  if code then return answer_of(keys, lot, 'refused', code) end
  heal(lot, from, lot.at)
  append(lot, 'broadcast', ',"note":' .. args[1])
  redis.call('HDEL', keys[1], 'held')
  return answer_of(keys, lot, 'ok')
end

redis.register_function('hold_lot_@VERSION@', hold_lot)
redis.register_function('release_lot_@VERSION@', release_lot)
