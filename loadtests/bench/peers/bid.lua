-- The rules of a bid, as little as an auction can do: a repeat gets its first answer, late is late, each bid below one's
-- own last; then the board and the log.
--   KEYS  lot (hash), board (zset), ids (hash), log (stream)     ARGV  who, id, price
--   returns  {'taken', n, rank} or {'refused', code}
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local repeated = redis.call('HGET', KEYS[3], ARGV[1] .. ':' .. ARGV[2])
if repeated then return {'taken', tonumber(repeated), 0} end
if now >= tonumber(redis.call('HGET', KEYS[1], 'closes_at') or 0) then return {'refused', 'LOT_CLOSED'} end
local price, own = tonumber(ARGV[3]), redis.call('ZSCORE', KEYS[2], ARGV[1])
if own and price >= tonumber(own) then return {'refused', 'NOT_IMPROVING_OWN'} end
local n = redis.call('HINCRBY', KEYS[1], 'n', 1)
redis.call('ZADD', KEYS[2], price, ARGV[1])
redis.call('HSET', KEYS[3], ARGV[1] .. ':' .. ARGV[2], n)
redis.call('XADD', KEYS[4], n .. '-0', 'at', now, 'who', ARGV[1], 'price', ARGV[3])
return {'taken', n, redis.call('ZRANK', KEYS[2], ARGV[1]) + 1}
