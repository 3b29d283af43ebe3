-- A lot in its keys, and as this library left it last. Every function takes the keys of one lot, all in one slot:
--   1 {sN}:lot:<id>        hash   rules and state        5 {sN}:lot:<id>:log    stream  the log
--   2 {sN}:lot:<id>:who    hash   alias -> standing      6 {sN}:due             zset    lot id -> next deadline (ms)
--   3 {sN}:lot:<id>:ids    hash   alias:rid -> answer    7 {sN}:settle          zset    lot id -> closed at (ms)
--   4 unused (the board of earlier libraries)            8 {sN}:beat            hash    heartbeat and outages

local RULES = { 'lot', 'format', 'ceiling', 'step_kind', 'step', 'step_bp', 'bands', 'against', 'drop_bp', 'ot_window',
  'ot_extend', 'ot_rank', 'ot_max', 'rounds', 'first_pause', 'turn_ms', 'pause_ms', 'outage_after', 'left_min',
  'practice', 'hard_stop', 'entrants' }
local STATE = { 'stage', 'n', 'at', 'chain', 'opens_at', 'closes_at', 'hard_stop_at', 'left_ms', 'ext', 'round', 'turn',
  'turn_who', 'turn_ends_at', 'order', 'gaps' }
local TEXT = { lot = true, format = true, step_kind = true, bands = true, against = true, stage = true, chain = true,
  turn_who = true, order = true, entrants = true }
local FIELDS = {}  -- while a library loads, ipairs is out of reach
for i = 1, #RULES do FIELDS[#FIELDS + 1] = RULES[i] end
for i = 1, #STATE do FIELDS[#FIELDS + 1] = STATE[i] end

-- ── standings: stored as "bp|malus|barred|n|price"; who.fixed is the first three, and n, price are kept as digits, too ──
local function score_of(who, price) return price * (10000 - who.bp) + who.malus * 10000 end

local function fixed_of(who) return string.format('%d|%d|%s|', who.bp, who.malus, who.barred) end

local function a_standing(alias, bp, malus, barred, n, price)
  local who = { alias = alias, bp = num(bp), malus = num(malus), barred = barred, n = num(n), price = num(price) }
  who.score, who.fixed, who.n_digits, who.price_digits = score_of(who, who.price), fixed_of(who), n, price
  return who
end

-- ── the board: rows of standings, the best first; short rows, so that few have to move for one ───────────────────────
local ROW_MAX = 32

-- Where this score and position stands or would stand: row, place in it, how many stand in the rows before.
local function find(board, score, n)
  local row, before = 1, 0
  while true do
    local standings = board[row]
    local size = #standings
    local worst = size > 0 and standings[size].score or score
    if row == #board or worst > score or worst == score and standings[size].n >= n then
      for place = 1, size do
        local one = standings[place]
        local its = one.score
        if its > score or its == score and one.n >= n then return row, place, before end
      end
      return row, size + 1, before
    end
    row, before = row + 1, before + size
  end
end

local function take_off(board, who)
  local standings = who.row
  for place = #standings, 1, -1 do
    if standings[place] == who then
      table.remove(standings, place)
      break
    end
  end
  if #standings > 0 or #board == 1 then return end
  for row = 1, #board do
    if board[row] == standings then
      table.remove(board, row)
      return
    end
  end
end

-- Returns the rank.
local function put_on(board, who)
  local row, place, before = find(board, who.score, who.n)
  local standings = board[row]
  who.row = standings
  table.insert(standings, place, who)
  if #standings > ROW_MAX then
    local half = {}
    for i = ROW_MAX / 2 + 1, ROW_MAX + 1 do
      local one = standings[i]
      half[#half + 1], standings[i], one.row = one, nil, half
    end
    table.insert(board, row + 1, half)
  end
  return before + place
end

local function rank_of(lot, who)
  if who.n == 0 then return 0 end
  local _, place, before = find(lot.board, who.score, who.n)
  return before + place
end

-- The standing is to be written at the end of the call.
local function mark(lot, who)
  if who.stood then return end
  who.stood = true
  lot.stood[#lot.stood + 1] = who
end

-- Put a standing to this price at this position, both as digits ('0': no standing); returns its rank.
local function stand(lot, who, n, price)
  if who.n > 0 then take_off(lot.board, who) end
  who.n, who.price, who.n_digits, who.price_digits = tonumber(n), tonumber(price), n, price
  who.score = score_of(who, who.price)
  mark(lot, who)
  return who.n > 0 and put_on(lot.board, who) or 0
end

-- ── reading and writing ──────────────────────────────────────────────────────────────────────────────────────────────
-- `known`: lots as this library left them, by key, so that a call need not read what the last one wrote. One is believed
-- only while the chain in its key, a digest of the whole log, is the one it ended in, and the lot was not held: whatever
-- another server, a restore or a hand did meanwhile, the keys are read anew.
local KNOWN_STANDINGS_MAX = 50000
local known, known_standings = {}, 0

local function read_lot(keys)
  local values = redis.call('HMGET', keys[1], unpack(FIELDS))
  local lot = { whos = {}, stood = {}, board = { {} }, lines = {}, stored = {} }
  for i, f in ipairs(FIELDS) do
    lot[f] = TEXT[f] and (values[i] or '') or num(values[i])
  end
  for _, f in ipairs(STATE) do lot.stored[f] = lot[f] end
  local flat = redis.call('HGETALL', keys[2])
  for i = 1, #flat, 2 do
    local who = a_standing(flat[i], string.match(flat[i + 1], '^(%d+)|(%d+)|(%a*)|(%d+)|(%d+)$'))
    lot.whos[who.alias] = who
    if who.n > 0 then put_on(lot.board, who) end
  end
  known_standings = known_standings + #flat / 2
  return lot
end

-- Nil for a lot that is not open. A lot is not known again before it is saved: a call that breaks off leaves nothing half
-- done behind.
local function load_lot(keys)
  local found, lot = redis.call('HMGET', keys[1], 'chain', 'held'), known[keys[1]]
  if not found[1] then return nil end
  known[keys[1]] = nil
  if not lot or lot.chain ~= found[1] or found[2] then lot = read_lot(keys) end
  lot.held = num(found[2])
  return lot
end

local function next_due(lot)
  if lot.format == 'round_reverse' then return math.min(lot.turn_ends_at, lot.closes_at) end
  return lot.closes_at
end

-- What changed of the state, and the deadline.
local function save_state(keys, lot)
  local flat, stored = {}, lot.stored
  for _, f in ipairs(STATE) do
    local value = lot[f]
    if value ~= stored[f] then
      stored[f] = value
      flat[#flat + 1] = f
      flat[#flat + 1] = TEXT[f] and value or text_of(value)
    end
  end
  put_all(keys[1], flat)
  local due = lot.stage == 'running' and next_due(lot) or 0
  if due == stored.due then return end
  stored.due = due
  if due > 0 then
    redis.call('ZADD', keys[6], text_of(due), lot.lot)
  else
    redis.call('ZREM', keys[6], lot.lot)
  end
end

-- The log entry, the standings that moved, the state; one write each. Returns the entry, '' when nothing happened.
local function save_lot(keys, lot)
  local events = write_log(keys[5], lot)
  if events == '' then
    lot.at = lot.stored.at
  else
    local flat = {}
    for _, who in ipairs(lot.stood) do
      who.stood = false
      flat[#flat + 1] = who.alias
      flat[#flat + 1] = who.fixed .. who.n_digits .. '|' .. who.price_digits
    end
    put_all(keys[2], flat)
    save_state(keys, lot)
    lot.stood, lot.lines = {}, {}
  end
  if known_standings > KNOWN_STANDINGS_MAX then known, known_standings = {}, 0 end
  known[keys[1]] = lot
  return events
end
