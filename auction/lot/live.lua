-- 反拍 referee: the same verdicts as auction/lot/rules.py, decided atomically. Every function takes the keys of one lot,
-- all in one slot:
--   1 {sN}:lot:<id>        hash   rules and state        5 {sN}:lot:<id>:log    stream  the log
--   2 {sN}:lot:<id>:who    hash   alias -> standing      6 {sN}:due             zset    lot id -> next deadline (ms)
--   3 {sN}:lot:<id>:ids    hash   alias:rid -> answer    7 {sN}:settle          zset    lot id -> closed at (ms)
--   4 {sN}:lot:<id>:board  zset   score -> n:alias       8 {sN}:beat            hash    heartbeat and outages

local RULES = { 'lot', 'format', 'ceiling', 'step_kind', 'step', 'step_bp', 'bands', 'against', 'drop_bp', 'ot_window',
  'ot_extend', 'ot_rank', 'ot_max', 'rounds', 'first_pause', 'turn_ms', 'pause_ms', 'outage_after', 'left_min',
  'practice', 'hard_stop' }
local STATE = { 'stage', 'n', 'at', 'chain', 'opens_at', 'closes_at', 'hard_stop_at', 'left_ms', 'ext', 'round', 'turn',
  'turn_who', 'turn_ends_at', 'order', 'gaps' }
local TEXT = { lot = true, format = true, step_kind = true, bands = true, against = true, stage = true, chain = true,
  turn_who = true, order = true }
local FIELDS = {}
-- While a library loads, ipairs is out of reach.
for i = 1, #RULES do FIELDS[#FIELDS + 1] = RULES[i] end
for i = 1, #STATE do FIELDS[#FIELDS + 1] = STATE[i] end

local function load_lot(key)
  local values = redis.call('HMGET', key, unpack(FIELDS))
  if not values[1] then return nil end
  local lot = { lines = {} }
  for i, f in ipairs(FIELDS) do
    lot[f] = TEXT[f] and (values[i] or '') or num(values[i])
  end
  return lot
end

local function next_due(lot)
  if lot.format == 'round_reverse' then return math.min(lot.turn_ends_at, lot.closes_at) end
  return lot.closes_at
end

-- State back to its hash, the log entry, the deadline; one write each.
local function save_lot(keys, lot)
  local events = write_log(keys[5], lot)
  if events == '' then return '' end
  local flat = {}
  for _, f in ipairs(STATE) do
    flat[#flat + 1] = f
    flat[#flat + 1] = TEXT[f] and lot[f] or string.format('%.0f', lot[f])
  end
  redis.call('HSET', keys[1], unpack(flat))
  if lot.stage == 'running' then
    redis.call('ZADD', keys[6], string.format('%.0f', next_due(lot)), lot.lot)
  else
    redis.call('ZREM', keys[6], lot.lot)
  end
  return events
end

-- ── standings: "bp|malus|barred|n|price|at"; registration order in field `who` of the order list ────────────────
local function parse_who(text)
  local bp, malus, barred, n, price = string.match(text, '^(%d+)|(%d+)|(%a*)|(%d+)|(%d+)$')
  return { bp = tonumber(bp), malus = tonumber(malus), barred = barred, n = tonumber(n), price = tonumber(price) }
end

local function load_who(keys, alias)
  local text = redis.call('HGET', keys[2], alias)
  if not text then return nil end
  local who = parse_who(text)
  who.alias = alias
  return who
end

local function score_of(who, price) return price * (10000 - who.bp) + who.malus * 10000 end

local function member(n, alias) return string.format('%015.0f:%s', n, alias) end

local function save_who(keys, who)
  redis.call('HSET', keys[2], who.alias,
    string.format('%d|%.0f|%s|%.0f|%.0f', who.bp, who.malus, who.barred, who.n, who.price))
end

local function stand(keys, who, n, price)
  if who.n > 0 then redis.call('ZREM', keys[4], member(who.n, who.alias)) end
  who.n, who.price = n, price
  if n > 0 then redis.call('ZADD', keys[4], string.format('%.0f', score_of(who, price)), member(n, who.alias)) end
  save_who(keys, who)
end

local function rank_of(keys, who)
  if who.n == 0 then return 0 end
  return redis.call('ZRANK', keys[4], member(who.n, who.alias)) + 1
end

local function lead_of(keys)
  local top = redis.call('ZRANGE', keys[4], 0, 0, 'WITHSCORES')
  if not top[1] then return nil end
  local lead = load_who(keys, string.sub(top[1], 17))
  lead.score = tonumber(top[2])
  return lead
end

-- ── the decrement ────────────────────────────────────────────────────────────────────────────────────────────────
local function step_at(lot, reference)
  if lot.step_kind == 'percentage' then return math.max(1, math.ceil(reference * lot.step_bp / 10000)) end
  if lot.step_kind == 'bands' then
    local best, amount = -1, lot.step
    for from, value in string.gmatch(lot.bands, '(%d+):(%d+)') do
      from = tonumber(from)
      if from <= reference and from > best then best, amount = from, tonumber(value) end
    end
    return amount
  end
  return lot.step
end

local function price_max(lot, who, lead)
  local top = lot.ceiling > 0 and lot.ceiling or 900000000000
  if who.n > 0 then
    local own = lot.against == 'own' and step_at(lot, who.price) or 1
    top = math.min(top, who.price - math.max(1, own))
  end
  if lot.against == 'lead' and lead then
    local limit = lead.score - math.max(step_at(lot, lead.price) * 10000, 1) - who.malus * 10000
    top = math.min(top, math.floor(limit / (10000 - who.bp)))
  end
  return math.max(0, top)
end

local function refuse_step(lot, who, price, lead)
  if lot.against == 'lead' then
    if not lead then return nil end
    local score = score_of(who, price)
    if score > lead.score - step_at(lot, lead.price) * 10000 then return 'STEP' end
    if score == lead.score then return 'EQUAL_LEAD' end
    return nil
  end
  if lot.step_kind == 'multiple' then
    local reference = who.n > 0 and who.price or (lot.ceiling > 0 and lot.ceiling or price)
    if (reference - price) % lot.step ~= 0 then return 'STEP' end
    return nil
  end
  if who.n > 0 and price > who.price - step_at(lot, who.price) then return 'STEP' end
  return nil
end

-- ── formats: the same table as auction/lot/formats ───────────────────────────────────────────────────────────────────
local formats = {}

formats.live_reverse = {
  advance = function() return false end,
  refuse = function() return nil end,
  extended_to = function(lot, before, after)
    if lot.at < lot.closes_at - lot.ot_window or after > lot.ot_rank then return 0 end
    if before > 0 and after >= before then return 0 end
    if lot.ot_max >= 0 and lot.ext >= lot.ot_max then return 0 end
    local till = lot.at + lot.ot_extend
    if lot.hard_stop_at > 0 then till = math.min(till, lot.hard_stop_at) end
    return till > lot.closes_at and till or 0
  end,
}

local function split(text)
  local parts = {}
  for part in string.gmatch(text, '[^,]+') do parts[#parts + 1] = part end
  return parts
end

local function worst_first(keys, lot)
  local order, board = {}, redis.call('ZREVRANGE', keys[4], 0, -1)
  for _, alias in ipairs(split(redis.call('HGET', keys[1], 'entrants'))) do
    if load_who(keys, alias).n == 0 then order[#order + 1] = alias end
  end
  for _, m in ipairs(board) do order[#order + 1] = string.sub(m, 17) end
  return order
end

local function begin_turn(lot, round, turn, who, ends_at, order)
  lot.round, lot.turn, lot.turn_who, lot.turn_ends_at = round, turn, who, ends_at
  local quoted = ''
  if order then
    lot.order = table.concat(order, ',')
    quoted = '"' .. table.concat(order, '","') .. '"'
  end
  append(lot, 'turn', string.format(',"round":%d,"turn":%d,"who":"%s","ends_at":%.0f,"order":[%s]',
    round, turn, who, ends_at, quoted))
end

formats.round_reverse = {
  advance = function(keys, lot)
    local ended = lot.turn_ends_at
    if lot.at < ended or ended >= lot.closes_at then return false end
    local order = split(lot.order)
    if lot.turn > 0 and lot.turn < #order then
      begin_turn(lot, lot.round, lot.turn + 1, order[lot.turn + 1], ended + lot.turn_ms)
    elseif lot.turn > 0 and lot.pause_ms > 0 then
      begin_turn(lot, lot.round, 0, '', ended + lot.pause_ms)
    else
      order = worst_first(keys, lot)
      begin_turn(lot, lot.round + 1, 1, order[1], ended + lot.turn_ms, order)
    end
    return true
  end,
  refuse = function(lot, who)
    if lot.turn > 0 and lot.turn_who == who.alias then return nil end
    return 'NOT_YOUR_TURN'
  end,
  extended_to = function() return 0 end,
}

-- ── outage and time ──────────────────────────────────────────────────────────────────────────────────────────────
local function shift(lot, closes_at)
  local by = closes_at - lot.closes_at
  lot.closes_at = closes_at
  lot.turn_ends_at = lot.turn_ends_at + by
  if lot.hard_stop_at > 0 then lot.hard_stop_at = lot.hard_stop_at + by end
end

-- Apply every recorded outage this lot has not seen; then what time alone brings. All calls begin here.
local function catch_up(keys, lot)
  local now = now_ms()
  local gaps = beat(keys[8], now)
  lot.at = math.max(lot.at, now)
  while lot.gaps < gaps do
    lot.gaps = lot.gaps + 1
    local from, to = string.match(redis.call('HGET', keys[8], 'g' .. lot.gaps), '^(%d+):(%d+)$')
    from, to = math.max(tonumber(from), lot.opens_at), tonumber(to)
    if lot.stage == 'running' and to - from > lot.outage_after and from < lot.closes_at then
      shift(lot, math.max(lot.closes_at + to - from, to + lot.left_min))
      append(lot, 'outage', string.format(',"from_ms":%.0f,"to_ms":%.0f,"closes_at":%.0f', from, to, lot.closes_at))
    end
  end
  if lot.stage ~= 'running' then return end
  while formats[lot.format].advance(keys, lot) do end
end

local function close(keys, lot, members)
  lot.stage, lot.left_ms = 'closing', 0
  append(lot, 'closed', members)
  redis.call('ZADD', keys[7], string.format('%.0f', lot.at), lot.lot)
end

-- ── judging ──────────────────────────────────────────────────────────────────────────────────────────────────────
local function refuse_stage(lot)
  if lot.stage == 'paused' then return 'LOT_PAUSED' end
  if lot.stage == 'closing' or lot.stage == 'cancelled' then return 'LOT_CLOSED' end
  if lot.stage ~= 'running' then return 'LOT_NOT_RUNNING' end
  if lot.at < lot.opens_at then return 'NOT_YET' end
  if lot.at >= lot.closes_at then return 'LOT_CLOSED' end
  return nil
end

-- The verdict on one bid: code, highest price that would be taken, token; nil when it is taken.
local function judge(keys, lot, who, price, token)
  local code = refuse_stage(lot)
  if code then return code, 0, '' end
  if not who then return 'NOT_REGISTERED', 0, '' end
  if who.barred == 'banned' then return 'BANNED', 0, '' end
  if who.barred ~= '' then return 'CONFLICT', 0, '' end
  code = formats[lot.format].refuse(lot, who)
  if code then return code, 0, '' end
  local lead = lot.against == 'lead' and lead_of(keys) or nil
  local top = price_max(lot, who, lead)
  if lot.ceiling > 0 and price > lot.ceiling then return 'OVER_CEILING', top, '' end
  if who.n > 0 and price >= who.price then return 'NOT_IMPROVING_OWN', top, '' end
  code = refuse_step(lot, who, price, lead)
  if code then return code, top, '' end
  if who.n > 0 and lot.drop_bp > 0 and (who.price - price) * 10000 > lot.drop_bp * who.price then
    local wanted = string.sub(redis.sha1hex(string.format('%s|%s|%.0f|%.0f', lot.lot, who.alias, who.n, price)), 1, 12)
    if token ~= wanted then return 'NEEDS_CONFIRM', top, wanted end
  end
  return nil
end

local function take(keys, lot, who, rid, price, detail)
  local before = rank_of(keys, who)
  local n = append(lot, 'bid', string.format(',"who":"%s","rid":"%s","price":%.0f,"detail":%s',
    who.alias, rid, price, detail))
  stand(keys, who, n, price)
  local rank = rank_of(keys, who)
  local till = formats[lot.format].extended_to(lot, before, rank)
  if till > 0 then
    lot.closes_at, lot.ext = till, lot.ext + 1
    append(lot, 'extended', string.format(',"closes_at":%.0f,"cause":%.0f', till, n))
  end
  return n, rank
end

-- place_bids: take a batch of bids into one lot, each judged in turn.
--   args     caller's clock (ms), then per bid: request id, alias, price (digits), token, detail (JSON)
--   returns  {n, events}, then per bid {'taken'|'repeat', n, at, price, rank, closes_at} | {'refused', code, top, token}
local function place_bids(keys, args)
  local lot = load_lot(keys[1])
  local out = {}
  local skewed = math.abs(num(args[1]) - now_ms()) > SKEW_MS
  if lot then catch_up(keys, lot) end
  for i = 2, #args, 5 do
    local rid, alias, price, token, detail = args[i], args[i + 1], digits(args[i + 2]), args[i + 3], args[i + 4]
    local field = alias .. ':' .. rid
    local first = lot and redis.call('HGET', keys[3], field)
    local answer
    if not price or price > 900000000000 then
      answer = { 'refused', 'FORMAT', '0', '' }
    elseif skewed then
      answer = { 'refused', 'CLOCK_SKEW', '0', '' }
    elseif first then
      local n, at, p, rank, till = string.match(first, '^(%d+)|(%d+)|(%d+)|(%d+)|(%d+)$')
      if tonumber(p) == price then
        answer = { 'repeat', n, at, p, rank, till }
      else
        answer = { 'refused', 'ID_REUSED', '0', '' }
      end
    elseif not lot then
      answer = { 'refused', 'LOT_UNKNOWN', '0', '' }
    else
      local who = load_who(keys, alias)
      local code, top, wanted = judge(keys, lot, who, price, token)
      if code then
        answer = { 'refused', code, string.format('%.0f', top), wanted }
      else
        local n, rank = take(keys, lot, who, rid, price, detail)
        local text = string.format('%.0f|%.0f|%.0f|%.0f|%.0f', n, lot.at, price, rank, lot.closes_at)
        redis.call('HSET', keys[3], field, text)
        answer = { 'taken', string.format('%.0f', n), string.format('%.0f', lot.at), args[i + 2],
          string.format('%.0f', rank), string.format('%.0f', lot.closes_at) }
      end
    end
    out[#out + 1] = answer
  end
  local events = lot and save_lot(keys, lot) or ''
  table.insert(out, 1, { string.format('%.0f', lot and lot.n or 0), events })
  return out
end

-- open_lot: hand the lot over from Postgres. Idempotent: an open lot answers with its position.
--   args     opens_at, planned end, sha256 of the rules, entrants as JSON array, field count, then field, value pairs of
--            the rules, then per entrant: alias, bp, malus, opening price (0: none)
--   returns  {'opened'|'already'|'refused', n, events}
local function open_lot(keys, args)
  local have = redis.call('HGET', keys[1], 'n')
  if have then return { 'already', have, '' } end
  local fields = num(args[5])
  redis.call('HSET', keys[1], unpack(args, 6, 5 + fields))
  local lot = load_lot(keys[1])
  local now = now_ms()
  lot.gaps = beat(keys[8], now)
  lot.at, lot.n, lot.chain, lot.stage = now, 0, '', 'running'
  lot.opens_at, lot.closes_at = num(args[1]), num(args[2])
  lot.turn_ends_at = lot.opens_at + lot.first_pause
  lot.hard_stop_at = lot.hard_stop >= 0 and lot.opens_at + lot.hard_stop or 0
  local aliases, later = {}, {}
  append(lot, 'opened', string.format(',"opens_at":%.0f,"closes_at":%.0f,"entrants":%s,"rules_sha256":"%s"',
    lot.opens_at, lot.closes_at, args[4], args[3]))
  for i = 6 + fields, #args, 4 do
    local who = { alias = args[i], bp = num(args[i + 1]), malus = num(args[i + 2]), barred = '', n = 0, price = 0 }
    aliases[#aliases + 1] = who.alias
    save_who(keys, who)
    if num(args[i + 3]) > 0 then later[#later + 1] = { who, num(args[i + 3]) } end
  end
  for _, pair in ipairs(later) do
    local n = append(lot, 'prebid', string.format(',"who":"%s","price":%.0f', pair[1].alias, pair[2]))
    stand(keys, pair[1], n, pair[2])
  end
  redis.call('HSET', keys[1], 'entrants', table.concat(aliases, ','))
  local events = save_lot(keys, lot)
  return { 'opened', string.format('%.0f', lot.n), events }
end

local function answer_of(keys, lot, word)
  local events = save_lot(keys, lot)
  return { word, string.format('%.0f', lot.n), events, lot.stage, string.format('%.0f', next_due(lot)) }
end

-- tick: what time alone brings; closes the lot when its end is reached. Any process may call it, at any time.
--   returns  {'ok'|'unknown', n, events, stage, next due}
local function tick(keys, args)
  local lot = load_lot(keys[1])
  if not lot then
    redis.call('ZREM', keys[6], args[1])
    return { 'unknown', '0', '', '', '0' }
  end
  catch_up(keys, lot)
  if lot.stage == 'running' and lot.at >= lot.closes_at then close(keys, lot, ',"note":null') end
  if lot.stage ~= 'running' then redis.call('ZREM', keys[6], lot.lot) end
  return answer_of(keys, lot, 'ok')
end

-- steer: a command of the host, decided and authorised in Python before.
--   args     command, note (JSON), then what the command needs
--   returns  {'ok'|'refused', n | code, events, stage, next due}
local steer = {}

function steer.pause(keys, lot, note)
  if lot.stage ~= 'running' then return 'LOT_NOT_RUNNING' end
  lot.stage, lot.left_ms = 'paused', lot.closes_at - lot.at
  append(lot, 'paused', string.format(',"left_ms":%.0f,"note":%s', lot.left_ms, note))
end

function steer.resume(keys, lot, note)
  if lot.stage ~= 'paused' then return 'LOT_NOT_RUNNING' end
  shift(lot, lot.at + lot.left_ms)
  lot.stage, lot.left_ms = 'running', 0
  append(lot, 'resumed', string.format(',"closes_at":%.0f,"note":%s', lot.closes_at, note))
end

function steer.broadcast(keys, lot, note)
  append(lot, 'broadcast', ',"note":' .. note)
end

-- args: position struck, its bidder, the bidder's current n, the n and price the standing falls back to (0: none)
function steer.void(keys, lot, note, args)
  local who = load_who(keys, args[4])
  if not who then return 'NOT_REGISTERED' end
  if who.n ~= num(args[5]) then return 'LOT_MOVED' end
  append(lot, 'voided', string.format(',"target":%s,"who":"%s","back_n":%s,"back_price":%s,"note":%s',
    args[3], args[4], args[6], args[7], note))
  if who.n == num(args[3]) then stand(keys, who, num(args[6]), num(args[7])) end
end

-- args: bidder, 'banned' | 'conflict'
function steer.bar(keys, lot, note, args)
  local who = load_who(keys, args[3])
  if not who then return 'NOT_REGISTERED' end
  if who.barred ~= '' then return 'BANNED' end
  who.barred = args[4]
  append(lot, 'barred', string.format(',"who":"%s","why":"%s","note":%s', args[3], args[4], note))
  stand(keys, who, 0, 0)
end

function steer.cancel(keys, lot, note)
  lot.stage, lot.left_ms = 'cancelled', 0
  append(lot, 'cancelled', ',"note":' .. note)
  redis.call('ZADD', keys[7], string.format('%.0f', lot.at), lot.lot)
end

-- Practice lots may be closed by their host at any time.
function steer.close(keys, lot, note)
  if lot.practice ~= 1 then return 'LOT_NOT_RUNNING' end
  close(keys, lot, ',"note":' .. note)
end

local function steer_lot(keys, args)
  local lot = load_lot(keys[1])
  if not lot then return { 'refused', 'LOT_UNKNOWN', '', '', '0' } end
  catch_up(keys, lot)
  if lot.stage == 'running' and lot.at >= lot.closes_at then close(keys, lot, ',"note":null') end
  local code
  if lot.stage ~= 'running' and lot.stage ~= 'paused' then
    code = 'LOT_CLOSED'
  else
    code = steer[args[1]](keys, lot, args[2], args)
  end
  local answer = answer_of(keys, lot, 'ok')
  if code then answer[1], answer[2] = 'refused', code end
  return answer
end

-- heartbeat: one per shard in which lots run, once a second by every process that serves them.
--   keys     {sN}:beat
--   returns  the number of outages on record
local function heartbeat(keys)
  local now = now_ms()
  return (beat(keys[1], now))
end

redis.register_function('place_bids_@VERSION@', place_bids)
redis.register_function('open_lot_@VERSION@', open_lot)
redis.register_function('tick_@VERSION@', tick)
redis.register_function('steer_lot_@VERSION@', steer_lot)
redis.register_function('heartbeat_@VERSION@', heartbeat)
