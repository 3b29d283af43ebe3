-- 反拍 referee: the same verdicts as auction/lot/rules.py, decided atomically. Every function takes the keys of one lot,
-- all in one slot:
--   1 {sN}:lot:<id>        hash   rules and state        5 {sN}:lot:<id>:log    stream  the log
--   2 {sN}:lot:<id>:who    hash   alias -> standing      6 {sN}:due             zset    lot id -> next deadline (ms)
--   3 {sN}:lot:<id>:ids    hash   alias:rid -> answer    7 {sN}:settle          zset    lot id -> closed at (ms)
--   4 {sN}:lot:<id>:board  zset   score -> n:alias       8 {sN}:beat            hash    heartbeat and outages

local RULES = { 'lot', 'format', 'ceiling', 'step_kind', 'step', 'step_bp', 'bands', 'against', 'drop_bp', 'ot_window',
  'ot_extend', 'ot_rank', 'ot_max', 'rounds', 'first_pause', 'turn_ms', 'pause_ms', 'outage_after', 'left_min',
  'practice', 'hard_stop', 'held' }
local STATE = { 'stage', 'n', 'at', 'chain', 'opens_at', 'closes_at', 'hard_stop_at', 'left_ms', 'ext', 'round', 'turn',
  'turn_who', 'turn_ends_at', 'order', 'gaps' }
local TEXT = { lot = true, format = true, step_kind = true, bands = true, against = true, stage = true, chain = true,
  turn_who = true, order = true }
local FIELDS = {}  -- while a library loads, ipairs is out of reach
for i = 1, #RULES do FIELDS[#FIELDS + 1] = RULES[i] end
for i = 1, #STATE do FIELDS[#FIELDS + 1] = STATE[i] end

local function load_lot(key)
  local values = redis.call('HMGET', key, unpack(FIELDS))
  if not values[1] then return nil end
  local lot = { lines = {}, whos = {}, stood = {} }
  for i, f in ipairs(FIELDS) do
    lot[f] = TEXT[f] and (values[i] or '') or num(values[i])
  end
  return lot
end

-- ── standings: "bp|malus|barred|n|price"; read once a call, kept in lot.whos, written once when it ends ──────────
local function parse_who(alias, text)
  local bp, malus, barred, n, price = string.match(text, '^(%d+)|(%d+)|(%a*)|(%d+)|(%d+)$')
  return { alias = alias, bp = tonumber(bp), malus = tonumber(malus), barred = barred, n = tonumber(n),
    price = tonumber(price) }
end

-- Read these aliases, in one question, where they are not known yet; who is not registered is known as false.
local function read_whos(keys, lot, aliases)
  local asked = {}
  for _, alias in ipairs(aliases) do
    if lot.whos[alias] == nil then
      lot.whos[alias] = false
      asked[#asked + 1] = alias
    end
  end
  if #asked == 0 then return end
  for i, text in ipairs(redis.call('HMGET', keys[2], unpack(asked))) do
    lot.whos[asked[i]] = text and parse_who(asked[i], text)
  end
end

local function load_who(keys, lot, alias)
  read_whos(keys, lot, { alias })
  return lot.whos[alias] or nil
end

local function save_whos(keys, lot)
  local flat = {}
  for alias, who in pairs(lot.stood) do
    flat[#flat + 1] = alias
    flat[#flat + 1] = string.format('%d|%d|%s|%d|%d', who.bp, who.malus, who.barred, who.n, who.price)
  end
  put_all(keys[2], flat)
end

local function next_due(lot)
  if lot.format == 'round_reverse' then return math.min(lot.turn_ends_at, lot.closes_at) end
  return lot.closes_at
end

-- State and standings back to their hashes, the log entry, the deadline; one write each.
local function save_lot(keys, lot)
  local events = write_log(keys[5], lot)
  if events == '' then return '' end
  save_whos(keys, lot)
  local flat = {}
  for _, f in ipairs(STATE) do
    flat[#flat + 1] = f
    flat[#flat + 1] = TEXT[f] and lot[f] or string.format('%d', lot[f])
  end
  redis.call('HSET', keys[1], unpack(flat))
  if lot.stage == 'running' then
    redis.call('ZADD', keys[6], string.format('%d', next_due(lot)), lot.lot)
  else
    redis.call('ZREM', keys[6], lot.lot)
  end
  return events
end

-- ── the board ─────────────────────────────────────────────────────────────────────────────────────────────────────
local function score_of(who, price) return price * (10000 - who.bp) + who.malus * 10000 end

local function member(n, alias) return string.format('%015d:%s', n, alias) end

local function stand(keys, lot, who, n, price)
  if who.n > 0 then redis.call('ZREM', keys[4], member(who.n, who.alias)) end
  who.n, who.price = n, price
  if n > 0 then redis.call('ZADD', keys[4], string.format('%d', score_of(who, price)), member(n, who.alias)) end
  lot.stood[who.alias], lot.lead = who, nil
end

local function rank_of(keys, who)
  if who.n == 0 then return 0 end
  return redis.call('ZRANK', keys[4], member(who.n, who.alias)) + 1
end

-- Price and score of the best standing; nil when nobody stands. Kept until somebody moves.
local function lead_of(keys, lot)
  if not lot.lead then
    local top = redis.call('ZRANGE', keys[4], 0, 0, 'WITHSCORES')
    if not top[1] then return nil end
    lot.lead = { price = load_who(keys, lot, string.sub(top[1], 17)).price, score = tonumber(top[2]) }
  end
  return lot.lead
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
  may_extend = function(lot)
    return lot.at >= lot.closes_at - lot.ot_window and (lot.ot_max < 0 or lot.ext < lot.ot_max)
  end,
  extended_to = function(lot, before, after)
    if after > lot.ot_rank or (before > 0 and after >= before) then return 0 end
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
  local entrants = split(redis.call('HGET', keys[1], 'entrants'))
  read_whos(keys, lot, entrants)
  for _, alias in ipairs(entrants) do
    if lot.whos[alias].n == 0 then order[#order + 1] = alias end
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
  append(lot, 'turn', string.format(',"round":%d,"turn":%d,"who":"%s","ends_at":%d,"order":[%s]',
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
  may_extend = function() return false end,
}

-- ── outage and time ──────────────────────────────────────────────────────────────────────────────────────────────
local function shift(lot, closes_at)
  local by = closes_at - lot.closes_at
  lot.closes_at = closes_at
  lot.turn_ends_at = lot.turn_ends_at + by
  if lot.hard_stop_at > 0 then lot.hard_stop_at = lot.hard_stop_at + by end
end

-- Where no lot runs, nobody's end hangs on the shard's time: it is the caller's.
local function agree(keys, caller)
  local gaps, now, agreed = beat(keys[8], caller)
  if not agreed and redis.call('ZCARD', keys[6]) == 0 then
    take_time(keys[8], caller)
    redis.call('HSET', keys[8], 'last', string.format('%d', caller))
    return beat(keys[8], caller)
  end
  return gaps, now, agreed
end

local function heal(lot, from, to)
  from = math.max(from, lot.opens_at)
  if lot.stage == 'running' and to - from > lot.outage_after and from < lot.closes_at then
    shift(lot, math.max(lot.closes_at + to - from, to + lot.left_min))
    append(lot, 'outage', string.format(',"from_ms":%d,"to_ms":%d,"closes_at":%d', from, to, lot.closes_at))
  end
end

-- Apply every recorded outage this lot has not seen; then what time alone brings. All calls begin here. A code, and
-- nothing done, where the caller's clock and the shard's disagree, or the lot is held.
local function catch_up(keys, lot, caller)
  local gaps, now, agreed = agree(keys, caller)
  if not agreed then return 'CLOCK_SKEW' end
  if lot.held > 0 then return 'LOT_HELD' end
  lot.at = math.max(lot.at, now)
  while lot.gaps < gaps do
    lot.gaps = lot.gaps + 1
    local from, to = string.match(redis.call('HGET', keys[8], 'g' .. lot.gaps), '^(%d+):(%d+)$')
    heal(lot, tonumber(from), tonumber(to))
  end
  if lot.stage == 'running' then
    while formats[lot.format].advance(keys, lot) do end
  end
  return nil
end

local function close(keys, lot, members)
  lot.stage, lot.left_ms = 'closing', 0
  append(lot, 'closed', members)
  redis.call('ZADD', keys[7], string.format('%d', lot.at), lot.lot)
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
  local lead = lot.against == 'lead' and lead_of(keys, lot) or nil
  local top = price_max(lot, who, lead)
  if lot.ceiling > 0 and price > lot.ceiling then return 'OVER_CEILING', top, '' end
  if who.n > 0 and price >= who.price then return 'NOT_IMPROVING_OWN', top, '' end
  code = refuse_step(lot, who, price, lead)
  if code then return code, top, '' end
  if who.n > 0 and lot.drop_bp > 0 and (who.price - price) * 10000 > lot.drop_bp * who.price then
    local wanted = string.sub(redis.sha1hex(string.format('%s|%s|%d|%d', lot.lot, who.alias, who.price, price)), 1, 12)
    if token ~= wanted then return 'NEEDS_CONFIRM', top, wanted end
  end
  return nil
end

-- Take the bid; returns its rank. The rank before matters only where it may extend the lot.
local function take(keys, lot, who, rid, price, detail)
  local format, before = formats[lot.format], 0
  local may_extend = format.may_extend(lot)
  if may_extend then before = rank_of(keys, who) end
  local n = append(lot, 'bid', ',"who":"' .. who.alias .. '","rid":"' .. rid .. '","price":' .. price ..
    ',"detail":' .. detail)
  stand(keys, lot, who, n, tonumber(price))
  local rank = rank_of(keys, who)
  local till = may_extend and format.extended_to(lot, before, rank) or 0
  if till > 0 then
    lot.closes_at, lot.ext = till, lot.ext + 1
    append(lot, 'extended', string.format(',"closes_at":%d,"cause":%d', till, n))
  end
  return n, rank
end

local function first_answer(text, price)
  local n, at, p, rank, till = string.match(text, '^(%d+)|(%d+)|(%d+)|(%d+)|(%d+)$')
  if p == price then return { 'repeat', n, at, p, rank, till } end
  return { 'refused', 'ID_REUSED', 0, '' }
end

-- What a batch needs to know, in two questions: the first answers to its request ids by field, and its bidders.
local function read_batch(keys, lot, args)
  local fields, aliases, first = {}, {}, {}
  for i = 2, #args, 5 do
    fields[#fields + 1] = args[i + 1] .. ':' .. args[i]
    aliases[#aliases + 1] = args[i + 1]
  end
  for i, text in ipairs(redis.call('HMGET', keys[3], unpack(fields))) do first[fields[i]] = text end
  read_whos(keys, lot, aliases)
  return first
end

-- place_bids: take a batch of bids (at most 1,000) into one lot, each judged in turn.
--   args     caller's clock (ms), then per bid: request id, alias, price (digits), token, detail (JSON)
--   returns  {n, events}, then per bid {'taken'|'repeat', n, at, price, rank, closes_at} | {'refused', code, top, token}
local function place_bids(keys, args)
  local lot = load_lot(keys[1])
  local first, kept, stopped = {}, {}, nil
  if lot then
    stopped = catch_up(keys, lot, num(args[1]))
    first = read_batch(keys, lot, args)
  end
  local function answer(rid, alias, text, token, detail)
    local price, field = digits(text), alias .. ':' .. rid
    if not price or price > 900000000000 then return { 'refused', 'FORMAT', 0, '' } end
    if stopped == 'CLOCK_SKEW' then return { 'refused', stopped, 0, '' } end
    if first[field] then return first_answer(first[field], text) end
    if not lot then return { 'refused', 'LOT_UNKNOWN', 0, '' } end
    if stopped then return { 'refused', stopped, 0, '' } end
    local who = load_who(keys, lot, alias)
    local code, top, wanted = judge(keys, lot, who, price, token)
    if code then return { 'refused', code, top, wanted } end
    local n, rank = take(keys, lot, who, rid, text, detail)
    first[field] = string.format('%d|%d|%s|%d|%d', n, lot.at, text, rank, lot.closes_at)
    kept[#kept + 1] = field
    kept[#kept + 1] = first[field]
    return { 'taken', n, lot.at, price, rank, lot.closes_at }
  end
  local out = { false }
  for i = 2, #args, 5 do out[#out + 1] = answer(args[i], args[i + 1], args[i + 2], args[i + 3], args[i + 4]) end
  put_all(keys[3], kept)
  out[1] = { lot and lot.n or 0, lot and save_lot(keys, lot) or '' }
  return out
end

-- open_lot: hand the lot over from Postgres. Idempotent: an open lot answers with its position.
--   args     caller's clock (ms), opens_at, planned end, sha256 of the rules, entrants as JSON array, field count, then
--            field, value pairs of the rules, then per entrant: alias, bp, malus, opening price (0: none)
--   returns  {'opened'|'already', n, events} | {'refused', code, ''}
local function open_lot(keys, args)
  local have = redis.call('HGET', keys[1], 'n')
  if have then return { 'already', have, '' } end
  local gaps, now, agreed = agree(keys, num(args[1]))
  if not agreed then return { 'refused', 'CLOCK_SKEW', '' } end
  table.remove(args, 1)
  local fields = num(args[5])
  redis.call('HSET', keys[1], unpack(args, 6, 5 + fields))
  local lot = load_lot(keys[1])
  lot.gaps = gaps
  lot.at, lot.n, lot.chain, lot.stage = now, 0, '', 'running'
  lot.opens_at, lot.closes_at = num(args[1]), num(args[2])
  lot.turn_ends_at = lot.opens_at + lot.first_pause
  lot.hard_stop_at = lot.hard_stop >= 0 and lot.opens_at + lot.hard_stop or 0
  local aliases, later = {}, {}
  append(lot, 'opened', string.format(',"opens_at":%d,"closes_at":%d,"entrants":%s,"rules_sha256":"%s"',
    lot.opens_at, lot.closes_at, args[4], args[3]))
  for i = 6 + fields, #args, 4 do
    local who = { alias = args[i], bp = num(args[i + 1]), malus = num(args[i + 2]), barred = '', n = 0, price = 0 }
    aliases[#aliases + 1] = who.alias
    lot.whos[who.alias], lot.stood[who.alias] = who, who
    if num(args[i + 3]) > 0 then later[#later + 1] = { who, num(args[i + 3]) } end
  end
  for _, pair in ipairs(later) do
    local n = append(lot, 'prebid', string.format(',"who":"%s","price":%d', pair[1].alias, pair[2]))
    stand(keys, lot, pair[1], n, pair[2])
  end
  redis.call('HSET', keys[1], 'entrants', table.concat(aliases, ','))
  local events = save_lot(keys, lot)
  return { 'opened', string.format('%d', lot.n), events }
end

local function answer_of(keys, lot, word, code)
  local events = save_lot(keys, lot)
  return { word, code or string.format('%d', lot.n), events, lot.stage, string.format('%d', next_due(lot)) }
end

-- tick: what time alone brings; closes the lot when its end is reached. Any process may call it, at any time.
--   args     lot id, caller's clock (ms)
--   returns  {'ok'|'unknown', n, events, stage, next due} | {'refused', code, '', stage, next due}
local function tick(keys, args)
  local lot = load_lot(keys[1])
  if not lot then
    redis.call('ZREM', keys[6], args[1])
    return { 'unknown', '0', '', '', '0' }
  end
  local code = catch_up(keys, lot, num(args[2]))
  if code then return answer_of(keys, lot, 'refused', code) end
  if lot.stage == 'running' and lot.at >= lot.closes_at then close(keys, lot, ',"note":null') end
  if lot.stage ~= 'running' then redis.call('ZREM', keys[6], lot.lot) end
  return answer_of(keys, lot, 'ok')
end

redis.register_function('place_bids_@VERSION@', place_bids)
redis.register_function('open_lot_@VERSION@', open_lot)
redis.register_function('tick_@VERSION@', tick)
redis.register_function('heartbeat_@VERSION@', heartbeat)  -- of the prelude
