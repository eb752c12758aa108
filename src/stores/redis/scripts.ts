import { createHash } from 'node:crypto';

/** A Lua script with one key. What it refuses it answers with a word: errors are errors only. */
export interface Script {
  readonly lua: string;
  readonly sha: string;
}

function script(lua: string): Script {
  return { lua, sha: createHash('sha1').update(lua).digest('hex') };
}

/**
 * Puts a record in the place of one with the expected version, keeping `indexedUntil` unless a new one is given.
 * ARGV: expected version, new version, times, owner and body, ttl, expiresAt, new indexedUntil or nothing.
 */
export const REPLACE = script(`
local head = redis.call('GETRANGE', KEYS[1], 0, 191)
if head == '' and redis.call('EXISTS', KEYS[1]) == 0 then return 'gone' end
local version, indexed = string.match(head, '^1([%w_-]+)\\n%-?%d+\\n%-?%d+\\n(%d*)\\n')
if not version then return 'unreadable' end
if version ~= ARGV[1] then return 'conflict' end
if ARGV[7] ~= '' then indexed = ARGV[7]
elseif indexed ~= '' and tonumber(ARGV[6]) > tonumber(indexed) then return 'index-first' end
redis.call('SET', KEYS[1], '1' .. ARGV[2] .. '\\n' .. ARGV[3] .. indexed .. '\\n' .. ARGV[4], 'PX', ARGV[5])
return 'replaced'
`);

/**
 * Removes a session and tells of it. ARGV: channel, id. Answers 0 when it was not there, otherwise its createdAt and owner, as far
 * as they can be read. Where the user may not publish, nobody is told, but the session ends.
 */
export const DELETE = script(`
local value = redis.pcall('GET', KEYS[1])
if redis.call('DEL', KEYS[1]) == 0 then return 0 end
redis.pcall('PUBLISH', ARGV[1], ARGV[2])
if type(value) ~= 'string' then return {} end
local createdAt, owner = string.match(value, '^1[%w_-]+\\n(%-?%d+)\\n%-?%d+\\n%d*\\n([^\\n]+)\\n')
if not owner then return {} end
return {createdAt, owner}
`);

/*
 * The index of an owner is a sorted set. Members are '<createdAt>:<id>'. The score is the deadline that was known last, by the
 * library's clock: uses of the session may have moved it since, so that nothing is dropped for its score without looking at the session. Score 0:
 * picked for eviction, which has to be done before anybody is let in.
 */

const KEEP = `
local function keep(member, score, ttl)
  redis.call('ZADD', KEYS[1], score, member)
  if redis.call('PTTL', KEYS[1]) < tonumber(ttl) then redis.call('PEXPIRE', KEYS[1], ttl) end
end
`;

/**
 * ARGV: member, score, ttl of the index, now, how many members at most, a random number below 1. Answers members that are due to be looked
 * at: by chance, so that those who come together do not all look at the same.
 */
export const INDEX = script(`${KEEP}
keep(ARGV[1], ARGV[2], ARGV[3])
local due, most = redis.call('ZCOUNT', KEYS[1], '(0', ARGV[4]), tonumber(ARGV[5])
if due == 0 then return {} end
local first = redis.call('ZCOUNT', KEYS[1], '-inf', 0)
if due > most then first = first + math.floor((due - most + 1) * tonumber(ARGV[6])) end
return redis.call('ZRANGE', KEYS[1], first, first + math.min(due, most) - 1)
`);

/**
 * Lets a member into the index if the limit allows it, or makes room.
 * ARGV: member, score, ttl of the index, now, max, 'deny' or 'evict-oldest', then what was found of members: pairs of a member
 * and its deadline, or '-' where its session has ended.
 * Answers {'unsure', members} for members that have to be looked at first, {'full', {}}, or {'admitted', members to be ended, members due}.
 */
export const ADMIT = script(`${KEEP}
local found = {}
for i = 7, #ARGV, 2 do
  if ARGV[i + 1] == '-' then redis.call('ZREM', KEYS[1], ARGV[i]) else found[ARGV[i]] = tonumber(ARGV[i + 1]) end
end
local now, deny = tonumber(ARGV[4]), ARGV[6] == 'deny'
local counted, unsure, due, picked, present = {}, {}, {}, {}, false
local entries = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
for i = 1, #entries, 2 do
  local member, score = entries[i], tonumber(entries[i + 1])
  local deadline = found[member]
  if member == ARGV[1] then present = score > 0
  elseif score == 0 then picked[#picked + 1] = member
  elseif deadline then
    if deadline > now then counted[#counted + 1] = member end
    redis.call('ZADD', KEYS[1], deadline, member)
  else
    counted[#counted + 1] = member
    if score <= now then due[#due + 1] = member end
    if deny or score <= now then unsure[#unsure + 1] = member end
  end
end
local excess = #counted + 1 - tonumber(ARGV[5])
if excess > 0 and not (deny and present) then
  if #unsure > 0 then return {'unsure', unsure} end
  if deny then return {'full', {}} end
  local function age(member) return tonumber(string.match(member, '^-?%d+')) or 0 end
  table.sort(counted, function(a, b)
    if age(a) ~= age(b) then return age(a) < age(b) end
    return a < b
  end)
  for i = 1, excess do
    redis.call('ZADD', KEYS[1], 0, counted[i])
    picked[#picked + 1] = counted[i]
  end
end
keep(ARGV[1], ARGV[2], ARGV[3])
return {'admitted', picked, due}
`);

/**
 * Notes what was found of members. ARGV: 'list' for the members that are left to be answered, then pairs as for {@link ADMIT}.
 * What was picked for eviction stays so.
 */
export const SETTLE = script(`
for i = 2, #ARGV, 2 do
  if ARGV[i + 1] == '-' then redis.call('ZREM', KEYS[1], ARGV[i])
  else
    local score = redis.call('ZSCORE', KEYS[1], ARGV[i])
    if score and tonumber(score) > 0 then redis.call('ZADD', KEYS[1], ARGV[i + 1], ARGV[i]) end
  end
end
if ARGV[1] ~= 'list' then return {} end
return redis.call('ZRANGE', KEYS[1], 0, -1)
`);
