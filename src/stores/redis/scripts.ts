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
 * Splits the head of a record. A write that is answered without one is refused all the same by a
 * server that has become a replica: it must not speak for the primary.
 */
const HEAD = `
local head = redis.call('GETRANGE', KEYS[1], 0, 191)
if head == '' and redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('DEL', KEYS[1])
  return 'gone'
end
local version, created, expires, indexed = string.match(head, '^1([%w_-]+)\\n(%-?%d+)\\n(%-?%d+)\\n(%d*)\\n')
if not version then return 'unreadable' end
if version ~= ARGV[1] then return 'conflict' end
`;

/**
 * Puts a record in the place of one with the expected version, keeping `indexedUntil` unless a new
 * one is given. ARGV: expected version, new version, times, owner and body, ttl, expiresAt, new
 * indexedUntil or nothing, 'owned' or nothing.
 */
export const REPLACE = script(`${HEAD}
if ARGV[7] ~= '' then indexed = ARGV[7]
elseif ARGV[8] == 'owned' and (indexed == '' or tonumber(ARGV[6]) > tonumber(indexed)) then return 'index-first' end
redis.call('SET', KEYS[1], '1' .. ARGV[2] .. '\\n' .. ARGV[3] .. indexed .. '\\n' .. ARGV[4], 'PX', ARGV[5])
return 'replaced'
`);

/**
 * Writes the version and the deadline alone. A head of the same length, as those of one version of
 * the library are, is written in place: a large body is neither read nor copied nor sent to the
 * replicas. Not every user may do that. ARGV: expected version, new version, ttl, expiresAt, new
 * indexedUntil or nothing.
 */
export const TOUCH = script(`${HEAD}
local length = #version + #created + #expires + #indexed + 5
if ARGV[5] ~= '' then indexed = ARGV[5]
elseif indexed ~= '' and tonumber(ARGV[4]) > tonumber(indexed) then return 'index-first' end
local new = '1' .. ARGV[2] .. '\\n' .. created .. '\\n' .. ARGV[4] .. '\\n' .. indexed .. '\\n'
if #new == length and type(redis.pcall('SETRANGE', KEYS[1], 0, new)) == 'number' then
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
else
  redis.call('SET', KEYS[1], new .. redis.call('GETRANGE', KEYS[1], length, -1), 'PX', ARGV[3])
end
return 'replaced'
`);

/**
 * Removes a session and publishes its id. ARGV: channel, id, and the owner that it must have,
 * where only one of that owner is meant. Answers 0 when it was not there, otherwise its createdAt
 * and owner, as far as they can be read. Where the user may not publish, the session ends all the
 * same.
 */
export const DELETE = script(`
local value = redis.pcall('GET', KEYS[1])
local created, owner
if type(value) == 'string' then created, owner = string.match(value, '^1[%w_-]+\\n(%-?%d+)\\n%-?%d+\\n%d*\\n([^\\n]+)\\n') end
if ARGV[3] and owner and owner ~= ARGV[3] then return 0 end
if redis.call('DEL', KEYS[1]) == 0 then return 0 end
redis.pcall('PUBLISH', ARGV[1], ARGV[2])
if not owner then return {} end
return {created, owner}
`);

/*
 * The index of an owner is a sorted set. Members are '<createdAt>:<id>'. The score is the deadline
 * that was known last, by the library's clock: uses of the session may have moved it since, so
 * that nothing is dropped for its score without looking at the session. Score 0: picked for
 * eviction, which has to be done before a session is let in.
 */

const KEEP = `
local function keep(member, score, ttl)
  redis.call('ZADD', KEYS[1], score, member)
  if redis.call('PTTL', KEYS[1]) < tonumber(ttl) then redis.call('PEXPIRE', KEYS[1], ttl) end
end
`;

/**
 * ARGV: member, score, ttl of the index, now, how many members at most, a random number below 1.
 * Answers members that are due to be looked at: by chance, so that sessions that come together do
 * not all look at the same.
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
 * Notes what was found of members, in pairs of a member and its deadline, or '-' where its session
 * has ended. What was picked for eviction stays so.
 */
const NOTE = `
local function note(first)
  local found = {}
  for i = first, #ARGV, 2 do
    if ARGV[i + 1] == '-' then redis.call('ZREM', KEYS[1], ARGV[i])
    else
      local score = redis.call('ZSCORE', KEYS[1], ARGV[i])
      if score and tonumber(score) > 0 then
        redis.call('ZADD', KEYS[1], ARGV[i + 1], ARGV[i])
        found[ARGV[i]] = tonumber(ARGV[i + 1])
      end
    end
  end
  return found
end
`;

/**
 * Lets a member into the index if fewer than `max` others are alive. Looks at no more members than
 * ARGV[7], those with the latest deadlines: that is enough to know of `max` that are alive. ARGV:
 * member, score, ttl of the index, now, max, id of a session that does not count, most members,
 * then what was found. Answers {'unsure', members that have to be looked at first}, {'full', {}},
 * or {'admitted', members that are due}.
 */
export const ADMIT = script(`${KEEP}${NOTE}
local found, now = note(8), tonumber(ARGV[4])
local counted, unsure, due, present = 0, {}, {}, false
local entries = redis.call('ZRANGE', KEYS[1], 0, tonumber(ARGV[7]) - 1, 'REV', 'WITHSCORES')
for i = 1, #entries, 2 do
  local member, score = entries[i], tonumber(entries[i + 1])
  if member == ARGV[1] then present = score > 0
  elseif score > 0 and string.sub(member, -36) ~= ARGV[6] then
    if not found[member] then
      unsure[#unsure + 1] = member
      if score <= now then due[#due + 1] = member end
    elseif found[member] > now then counted = counted + 1 end
  end
end
if not present and counted + #unsure >= tonumber(ARGV[5]) then
  if counted >= tonumber(ARGV[5]) then return {'full', {}} end
  return {'unsure', unsure}
end
keep(ARGV[1], ARGV[2], ARGV[3])
return {'admitted', due}
`);

/**
 * Picks the sessions that are too many, the oldest first. Looks at no more members than ARGV[5],
 * more than \`max\`: of any of an owner's sessions, those beyond the \`max\` newest have to go.
 * ARGV: now, max, id of a session to keep, id of a session that does not count, most members, most
 * to pick, and either nothing or the member, score and ttl of a session to let in; then what was
 * found. Answers {'unsure', members that have to be looked at first}, or {'picked', members to be
 * ended, members due}: all that have to go; {'more', members to be ended} where there may be
 * others.
 */
export const TRIM = script(`${KEEP}${NOTE}
if ARGV[7] ~= '' then keep(ARGV[7], ARGV[8], ARGV[9]) end
local found, now, max, most = note(10), tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[6])
local counted, others, age, unsure, picked, left = 0, {}, {}, {}, {}, false
local entries = redis.call('ZRANGE', KEYS[1], 0, tonumber(ARGV[5]) - 1, 'WITHSCORES')
local all = #entries / 2 == redis.call('ZCOUNT', KEYS[1], '-inf', '+inf')
for i = 1, #entries, 2 do
  local member, score = entries[i], tonumber(entries[i + 1])
  local id = string.sub(member, -36)
  if score == 0 then
    if #picked < most then picked[#picked + 1] = member else left = true end
  elseif id ~= ARGV[4] and (found[member] or score) > now then
    counted = counted + 1
    if id ~= ARGV[3] then
      others[#others + 1] = member
      age[member] = tonumber(string.match(member, '^-?%d+')) or 0
    end
  elseif id ~= ARGV[4] and not found[member] then
    unsure[#unsure + 1] = member
  end
end
local excess = counted - max
if #unsure > 0 and (excess <= 0 or all) and (excess + #unsure > 0 or not all) then return {'unsure', unsure} end
table.sort(others, function(a, b)
  if age[a] ~= age[b] then return age[a] < age[b] end
  return a < b
end)
local room = most - #picked
for i = 1, math.min(excess, #others, room) do
  redis.call('ZADD', KEYS[1], 0, others[i])
  picked[#picked + 1] = others[i]
end
if all and not left and math.min(excess, #others) <= room then return {'picked', picked, unsure} end
return {'more', picked}
`);

/**
 * Takes note of what was found of members. ARGV: how many members to answer, then what was found.
 * Answers the first members that are left, and before them how many there are.
 */
export const SETTLE = script(`${NOTE}
note(2)
local most = tonumber(ARGV[1])
if most == 0 then return {} end
local members = redis.call('ZRANGE', KEYS[1], 0, most - 1)
table.insert(members, 1, tostring(redis.call('ZCOUNT', KEYS[1], '-inf', '+inf')))
return members
`);
