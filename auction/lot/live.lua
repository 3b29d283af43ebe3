-- 反拍 referee: the same verdicts as auction/lot/rules.py, decided atomically; lot.lua holds the lots.

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

local function worst_first(lot)
  local order = {}
  for _, alias in ipairs(split(lot.entrants)) do
    if lot.whos[alias].n == 0 then order[#order + 1] = alias end
  end
  for row = #lot.board, 1, -1 do
    local standings = lot.board[row]
    for place = #standings, 1, -1 do order[#order + 1] = standings[place].alias end
  end
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
  advance = function(lot)
    local ended = lot.turn_ends_at
    if lot.at < ended or ended >= lot.closes_at then return false end
    local order = split(lot.order)
    if lot.turn > 0 and lot.turn < #order then
      begin_turn(lot, lot.round, lot.turn + 1, order[lot.turn + 1], ended + lot.turn_ms)
    elseif lot.turn > 0 and lot.pause_ms > 0 then
      begin_turn(lot, lot.round, 0, '', ended + lot.pause_ms)
    else
      order = worst_first(lot)
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
    while formats[lot.format].advance(lot) do end
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

-- The verdict on one bid, whatever its time: code, highest price that would be taken, token; nil when it is taken.
local function judge(lot, who, price, token)
  if not who then return 'NOT_REGISTERED', 0, '' end
  if who.barred == 'banned' then return 'BANNED', 0, '' end
  if who.barred ~= '' then return 'CONFLICT', 0, '' end
  local code, wanted = formats[lot.format].refuse(lot, who), ''
  if code then return code, 0, '' end
  local lead = lot.against == 'lead' and lot.board[1][1] or nil
  if lot.ceiling > 0 and price > lot.ceiling then
    code = 'OVER_CEILING'
  elseif who.n > 0 and price >= who.price then
    code = 'NOT_IMPROVING_OWN'
  else
    code = refuse_step(lot, who, price, lead)
  end
  if not code and who.n > 0 and lot.drop_bp > 0 and (who.price - price) * 10000 > lot.drop_bp * who.price then
    wanted = string.sub(redis.sha1hex(string.format('%s|%s|%d|%d', lot.lot, who.alias, who.price, price)), 1, 12)
    if token ~= wanted then code = 'NEEDS_CONFIRM' end
  end
  if code then return code, price_max(lot, who, lead), wanted end
end

-- As `append` would write it, without a text in between.
local function append_bid(lot, who, rid, price, detail)
  lot.n = lot.n + 1
  local n = string.format('%d', lot.n)
  lot.lines[#lot.lines + 1] = '{"n":' .. n .. ',"at":' .. text_of(lot.at) .. ',"kind":"bid","who":"' .. who.alias ..
    '","rid":"' .. rid .. '","price":' .. price .. ',"detail":' .. detail .. '}'
  return n
end

-- Take the bid; returns its rank. The rank before matters only where it may extend the lot.
local function take(lot, who, rid, price, detail)
  local format, before = formats[lot.format], 0
  local may_extend = format.may_extend(lot)
  if may_extend then before = rank_of(lot, who) end
  local n = append_bid(lot, who, rid, price, detail)
  local rank = stand(lot, who, n, price)
  local till = may_extend and format.extended_to(lot, before, rank) or 0
  if till > 0 then
    lot.closes_at, lot.ext = till, lot.ext + 1
    append(lot, 'extended', string.format(',"closes_at":%d,"cause":%s', till, n))
  end
  return rank
end

-- The fields "alias:rid" of a batch in its table of answers, and by place the first answers; false for a new bid.
local function first_answers(key, args, width)
  local fields = {}
  for i = 2, #args, width do fields[#fields + 1] = args[i + 1] .. ':' .. args[i] end
  return fields, redis.call('HMGET', key, unpack(fields))
end

-- The answer to a bid that was taken in this very call; `kept` holds field, answer pairs.
local function just_taken(kept, field)
  for i = 1, #kept, 2 do
    if kept[i] == field then return kept[i + 1] end
  end
end

-- Take a batch of bids into one lot, each judged in turn; `width` is how many arguments a bid has.
local function place(keys, args, width)
  local lot = load_lot(keys)
  local stopped = lot and (catch_up(keys, lot, num(args[1])) or refuse_stage(lot))
  local fields, first = first_answers(keys[3], args, width)
  local answers, kept = {}, {}
  local function answer(field, before, rid, alias, text, token, detail)
    local price, who = digits(text), lot and lot.whos[alias]
    if not price or price > 900000000000 then return 'FORMAT|0|' end
    if stopped == 'CLOCK_SKEW' then return 'CLOCK_SKEW|0|' end
    if who and who.stood then before = before or just_taken(kept, field) end
    if before then return string.match(before, '|(%d+)|') == text and '=' .. before or 'ID_REUSED|0|' end
    if not lot then return 'LOT_UNKNOWN|0|' end
    if stopped then return stopped .. '|0|' end
    local code, top, wanted = judge(lot, who, price, token)
    if code then return code .. '|' .. text_of(top) .. '|' .. wanted end
    local rank = take(lot, who, rid, text, detail)
    local said = who.n_digits .. '|' .. text .. '|' .. text_of(lot.at) .. '|' .. text_of(rank) .. '|' ..
      text_of(lot.closes_at)
    kept[#kept + 1] = field
    kept[#kept + 1] = said
    return said
  end
  for i, field in ipairs(fields) do
    local at = 2 + (i - 1) * width
    local token, detail = '', 'null'
    if width == 5 then token, detail = args[at + 3], args[at + 4] end
    answers[i] = answer(field, first[i], args[at], args[at + 1], args[at + 2], token, detail)
  end
  local events = lot and save_lot(keys, lot) or ''
  put_all(keys[3], kept)
  return { lot and lot.n or 0, events, table.concat(answers, '\n') }
end

-- place_bids: take a batch of bids (at most 1,000) into one lot, each judged in turn.
--   args     caller's clock (ms), then per bid: request id, alias, price (digits), token, detail (JSON)
--   returns  {n, events, answers}: a line per bid, n|price|at|rank|closes_at when it is taken, the same after "=" when it
--            was taken before, code|highest price that would be taken|token when it is refused
local function place_bids(keys, args) return place(keys, args, 5) end

-- place_plain_bids: the same for bids without token and detail, whose arguments are left away.
local function place_plain_bids(keys, args) return place(keys, args, 3) end

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
  local fields, aliases, later = num(args[5]), {}, {}
  redis.call('HSET', keys[1], unpack(args, 6, 5 + fields))
  for i = 6 + fields, #args, 4 do aliases[#aliases + 1] = args[i] end
  redis.call('HSET', keys[1], 'entrants', table.concat(aliases, ','))
  local lot = read_lot(keys)
  lot.gaps, lot.stored = gaps, {}
  lot.at, lot.n, lot.chain, lot.stage = now, 0, '', 'running'
  lot.opens_at, lot.closes_at = num(args[1]), num(args[2])
  lot.turn_ends_at = lot.opens_at + lot.first_pause
  lot.hard_stop_at = lot.hard_stop >= 0 and lot.opens_at + lot.hard_stop or 0
  append(lot, 'opened', string.format(',"opens_at":%d,"closes_at":%d,"entrants":%s,"rules_sha256":"%s"',
    lot.opens_at, lot.closes_at, args[4], args[3]))
  for i = 6 + fields, #args, 4 do
    local who = a_standing(args[i], args[i + 1], args[i + 2], '', 0, 0)
    lot.whos[who.alias] = who
    mark(lot, who)
    if num(args[i + 3]) > 0 then later[#later + 1] = { who, args[i + 3] } end
  end
  for _, pair in ipairs(later) do
    local n = append(lot, 'prebid', string.format(',"who":"%s","price":%s', pair[1].alias, pair[2]))
    stand(lot, pair[1], n, pair[2])
  end
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
  local lot = load_lot(keys)
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
redis.register_function('place_plain_bids_@VERSION@', place_plain_bids)
redis.register_function('open_lot_@VERSION@', open_lot)
redis.register_function('tick_@VERSION@', tick)
redis.register_function('heartbeat_@VERSION@', heartbeat)  -- of the prelude
