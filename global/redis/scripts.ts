import { createHash } from "node:crypto";

/** A Lua script, sent by its digest once Redis has it. */
export interface Script {
  readonly name: string;
  readonly source: string;
  /** SHA-1 of the source in hexadecimal, as EVALSHA wants it. */
  readonly sha: string;
  readonly keys: number;
}

function script(name: string, keys: number, source: string): Script {
  return { name, keys, source, sha: createHash("sha1").update(source).digest("hex") };
}

/** What a script answers: the outcome, then what is stored, in the order of `readReply`. */
const ANSWER = `
local function answer(outcome)
  local m = redis.call('HMGET', KEYS[1], 'vector', 'lines', 'seq', 'writer', 'claimant', 'groups')
  local intact = redis.call('HLEN', KEYS[2]) == tonumber(m[6] or '0')
  return { outcome, m[1] or '', m[2] or '', m[3] or '0', m[4] or '', m[5] or '', intact and 1 or 0 }
end
`;

/** KEYS: meta, groups. Tells what is stored. */
export const LOOK = script("look", 2, `${ANSWER}return answer('looked')`);

/** KEYS: the staging hash. ARGV: its time to live in ms, then groups and values in turn. */
export const STAGE = script(
  "stage",
  1,
  `redis.call('HSET', KEYS[1], unpack(ARGV, 2))
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return redis.call('HLEN', KEYS[1])`,
);

/**
 * KEYS: meta, groups, changes, staging hash. ARGV: the head as JSON, then \`fields\` names
 * and values of meta in turn, then \`changed\` groups and values in turn, then removed groups.
 *
 * The fence: what is stored may be replaced only by what knows at least as much of every
 * region (standing.ts has the same order). All that a write does happens in this script,
 * so readers see it whole or not at all.
 */
export const WRITE = script(
  "write",
  4,
  `${ANSWER}
local SLICE = 1000
local head = cjson.decode(ARGV[1])

local function standing(text)
  local c, n, d, f, r = string.match(text, '^(%d+)/([^/]*)/(%d+)/(%d+)/(%d+)$')
  return { c = tonumber(c), n = n, d = tonumber(d), f = tonumber(f), r = tonumber(r) }
end

local function order(a, b)
  if a.c ~= b.c then return a.c - b.c end
  local agone, bgone = a.n == 'forgotten', b.n == 'forgotten'
  if agone or bgone then return (agone and 1 or 0) - (bgone and 1 or 0) end
  if a.n ~= b.n then return nil end
  if a.d ~= b.d then return a.d - b.d end
  if a.r ~= b.r then return a.r - b.r end
  return a.f - b.f
end

local m = redis.call('HMGET', KEYS[1], 'vector', 'lines', 'seq', 'claimant', 'groups')
local isNew = not m[1]
local stored = isNew and {} or cjson.decode(m[1])
local seq = tonumber(m[3] or '0')
local claimant = m[4] or ''
local standsStill = head.standstill == seq
local behind, ahead, moved = false, isNew, {}
for region, text in pairs(stored) do
  local own = head.vector[region]
  if own == nil then
    if standsStill then ahead = true else behind = true end
  else
    local o = order(standing(own), standing(text))
    if o == nil or o < 0 then behind = true end
    if o ~= nil and o > 0 then
      ahead = true
      moved[region] = own
    end
  end
end
for region, own in pairs(head.vector) do
  if stored[region] == nil then
    ahead = true
    moved[region] = own
  end
end
if behind then
  if head.claim then redis.call('HSET', KEYS[1], 'claimant', head.writer) end
  return answer('behind')
end
if claimant ~= '' and claimant ~= head.writer and not standsStill and not head.claim then
  return answer('claimed')
end

local intact = redis.call('HLEN', KEYS[2]) == tonumber(m[5] or '0')
local sameLines = (m[2] or '') == head.lines
if not ahead and intact and (head.kind == 'whole' or not sameLines) then return answer('known') end

local at = 2 + head.fields * 2
local last = at + head.changed * 2 - 1
if head.kind == 'delta' then
  if isNew or not sameLines or not intact then return answer('gap') end
  for region, text in pairs(head.from) do
    if stored[region] == nil then return answer('gap') end
    local a, b = standing(stored[region]), standing(text)
    if a.c ~= b.c or a.n ~= b.n or a.d ~= b.d or a.f ~= b.f or a.r < b.r then return answer('gap') end
  end
  for i = at, last, SLICE do
    redis.call('HSET', KEYS[2], unpack(ARGV, i, math.min(i + SLICE - 1, last)))
  end
  for i = last + 1, #ARGV, SLICE do
    redis.call('HDEL', KEYS[2], unpack(ARGV, i, math.min(i + SLICE - 1, #ARGV)))
  end
elseif head.kind == 'whole' then
  if redis.call('HLEN', KEYS[4]) ~= head.staged then return answer('torn') end
  redis.call('UNLINK', KEYS[2])
  if head.staged > 0 then
    redis.call('RENAME', KEYS[4], KEYS[2])
    redis.call('PERSIST', KEYS[2])
  end
else
  redis.call('UNLINK', KEYS[2])
end

if head.fields > 0 then redis.call('HSET', KEYS[1], unpack(ARGV, 2, at - 1)) end
redis.call('HSET', KEYS[1], 'vector', cjson.encode(head.vector), 'lines', head.lines,
  'writer', head.writer, 'groups', redis.call('HLEN', KEYS[2]), 'seq', seq + 1)
redis.call('HDEL', KEYS[1], 'claimant')

local removed = #ARGV - last
local hasNews = head.kind ~= 'delta' or head.changed > 0 or removed > 0
if (ahead or not intact) and hasNews and not (isNew and head.kind == 'drop') then
  local change = redis.call('HINCRBY', KEYS[1], 'change', 1)
  local entry = { 'MAXLEN', '~', head.maxlen, '*', 'change', change, 'kind', head.event,
    'moved', cjson.encode(moved), 'at', head.at }
  if head.event == 'delta' then
    local texts, names = {}, {}
    for i = at, last, 2 do texts[#texts + 1] = cjson.encode(ARGV[i]) .. ':' .. ARGV[i + 1] end
    for i = last + 1, #ARGV do names[#names + 1] = cjson.encode(ARGV[i]) end
    for _, more in ipairs({ 'changed', '{' .. table.concat(texts, ',') .. '}',
      'removed', '[' .. table.concat(names, ',') .. ']' }) do entry[#entry + 1] = more end
  end
  redis.call('XADD', KEYS[3], unpack(entry))
end
return answer('written')`,
);
