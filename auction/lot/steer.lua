-- 主持: what the host may do to a live lot, mirrored by auction/lot/steering.py. Joined to live.lua.

-- steer: a command of the host, decided and authorised in Python before.
--   args     command, note (JSON), then what the command needs, then the caller's clock (ms)
--   returns  {'ok'|'refused', n | code, events, stage, next due}
local steer = {}

function steer.pause(keys, lot, note)
  if lot.stage ~= 'running' then return 'LOT_NOT_RUNNING' end
  lot.stage, lot.left_ms = 'paused', lot.closes_at - lot.at
  append(lot, 'paused', string.format(',"left_ms":%d,"note":%s', lot.left_ms, note))
end

function steer.resume(keys, lot, note)
  if lot.stage ~= 'paused' then return 'LOT_NOT_RUNNING' end
  shift(lot, lot.at + lot.left_ms)
  lot.stage, lot.left_ms = 'running', 0
  append(lot, 'resumed', string.format(',"closes_at":%d,"note":%s', lot.closes_at, note))
end

function steer.broadcast(keys, lot, note)
  append(lot, 'broadcast', ',"note":' .. note)
end

-- args: position struck, its bidder, the bidder's current n, the n and price the standing falls back to (0: none)
function steer.void(keys, lot, note, args)
  local who = lot.whos[args[4]]
  if not who then return 'NOT_REGISTERED' end
  if who.n ~= num(args[5]) then return 'LOT_MOVED' end
  append(lot, 'voided', string.format(',"target":%s,"who":"%s","back_n":%s,"back_price":%s,"note":%s',
    args[3], args[4], args[6], args[7], note))
  if who.n == num(args[3]) then stand(lot, who, args[6], args[7]) end
end

-- args: bidder, 'banned' | 'conflict'
function steer.bar(keys, lot, note, args)
  local who = lot.whos[args[3]]
  if not who then return 'NOT_REGISTERED' end
  if who.barred ~= '' then return 'BANNED' end
  who.barred = args[4]
  who.fixed = fixed_of(who)
  append(lot, 'barred', string.format(',"who":"%s","why":"%s","note":%s', args[3], args[4], note))
  stand(lot, who, '0', '0')
end

function steer.cancel(keys, lot, note)
  lot.stage, lot.left_ms = 'cancelled', 0
  append(lot, 'cancelled', ',"note":' .. note)
  redis.call('ZADD', keys[7], string.format('%d', lot.at), lot.lot)
end

-- Practice lots may be closed by their host at any time.
function steer.close(keys, lot, note)
  if lot.practice ~= 1 then return 'LOT_NOT_RUNNING' end
  close(keys, lot, ',"note":' .. note)
end

local function steer_lot(keys, args)
  local lot = load_lot(keys)
  if not lot then return { 'refused', 'LOT_UNKNOWN', '', '', '0' } end
  local code = catch_up(keys, lot, num(args[#args]))
  if code then return answer_of(keys, lot, 'refused', code) end
  if lot.stage == 'running' and lot.at >= lot.closes_at then close(keys, lot, ',"note":null') end
  if lot.stage ~= 'running' and lot.stage ~= 'paused' then
    code = 'LOT_CLOSED'
  else
    code = steer[args[1]](keys, lot, args[2], args)
  end
  return answer_of(keys, lot, code and 'refused' or 'ok', code)
end

redis.register_function('steer_lot_@VERSION@', steer_lot)
