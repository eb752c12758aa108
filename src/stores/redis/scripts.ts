import { createHash } from 'node:crypto';

/** A Lua script with one key. It returns a refusal as a word. Errors are only for failures. */
export interface Script {
  readonly lua: string;
  readonly sha: string;
}

function script(lua: string): Script {
  return { lua, sha: createHash('sha1').update(lua).digest('hex') };
}

/**
 * Splits the head of a record. If the record is missing, it still runs a write: a server that has
 * become a replica refuses that. Otherwise such a server would answer for the primary.
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
 * Replaces a record that has the expected version. It keeps `indexedUntil`, unless a new one is
 * given. ARGV: expected version, new version, times, owner and body, ttl, expiresAt, new
 * indexedUntil or nothing, 'owned' or nothing.
 */
export const REPLACE = script(`${HEAD}
if ARGV[7] ~= '' then indexed = ARGV[7]
elseif ARGV[8] == 'owned' and (indexed == '' or tonumber(ARGV[6]) > tonumber(indexed)) then return 'index-first' end
redis.call('SET', KEYS[1], '1' .. ARGV[2] .. '\\n' .. ARGV[3] .. indexed .. '\\n' .. ARGV[4], 'PX', ARGV[5])
return 'replaced'
`);

/**
 * Writes only the version and the deadline. A head of the same length is written in place. Heads
 * by one version of the library all have the same length. Then a large body is not read, copied,
 * or sent to the replicas. The user may lack the permission for SETRANGE. ARGV: expected version,
 * new version, ttl, expiresAt, new indexedUntil or nothing.
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
 * Removes a session and publishes its id. ARGV: channel, id, and optionally the owner that the
 * session must have. Returns 0 if the session is missing. Otherwise returns its createdAt and
 * owner, if they can be read. If the user may not publish, the session still ends.
 */
export const DELETE = script(`
local value = redis.pcall('GET', KEYS[1])
local created, owner
if type(value) == 'string' then
  created, owner = string.match(value, '^1[%w_-]+\\n(%-?%d+)\\n%-?%d+\\n%d*\\n([^\\n]+)\\n')
end
if ARGV[3] and owner and owner ~= ARGV[3] then return 0 end
if redis.call('DEL', KEYS[1]) == 0 then return 0 end
redis.pcall('PUBLISH', ARGV[1], ARGV[2])
if not owner then return {} end
return {created, owner}
`);

/*
 * The index of an owner is a sorted set. Members are '<createdAt>:<id>'. The score is the last
 * known deadline, by the library's clock. Use of the session may have moved the deadline since. So
 * no member is dropped for its score without a look at the session. Score 0 means that the session
 * was selected for eviction. It must end before another session is admitted.
 */

const KEEP = `
local function keep(member, score, ttl)
  redis.call('ZADD', KEYS[1], score, member)
  if redis.call('PTTL', KEYS[1]) < tonumber(ttl) then redis.call('PEXPIRE', KEYS[1], ttl) end
end
`;

/**
 * ARGV: member, score, ttl of the index, now, the maximum number of members to return, a random
 * number below 1. Returns members that are due for a look. They are selected at random, so that
 * sessions that come together do not all look at the same members.
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
 * Notes findings about members, in pairs: a member and its deadline, or '-' if its session has
 * ended. Members that were selected for eviction stay selected.
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
 * Adds a member to the index if fewer than `max` others are alive. It looks at most at ARGV[7]
 * members, those with the latest deadlines. That is enough to find `max` live ones. ARGV: member,
 * score, ttl of the index, now, max, id of a session that does not count, most members, then the
 * findings. Returns {'unsure', members to look up first}, {'full', {}}, or {'admitted', members
 * that are due for a look}.
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
 * Selects the sessions that are too many, oldest first. It looks at most at ARGV[5] members, which
 * is more than `max`: in any part of an owner's sessions, those beyond the `max` newest must end.
 * ARGV: now, max, id of a session to keep, id of a session that does not count, most members, most
 * to select, and either nothing or the member, score and ttl of a session to add; then the
 * findings. Returns {'unsure', members to look up first}, {'picked', members to end, members that
 * are due for a look} if these are all that must end, or {'more', members to end} if there may be
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
 * Notes findings about members. ARGV: how many members to return, then the findings. Returns how
 * many members remain, followed by the first of them.
 */
export const SETTLE = script(`${NOTE}
note(2)
local most = tonumber(ARGV[1])
if most == 0 then return {} end
local members = redis.call('ZRANGE', KEYS[1], 0, most - 1)
table.insert(members, 1, tostring(redis.call('ZCOUNT', KEYS[1], '-inf', '+inf')))
return members
`);
