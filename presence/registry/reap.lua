-- ARGV: 10 incarnation, "" for a caller that is no process.
begin(false)
local incarnation, kicked = ARGV[10], {}
if incarnation ~= "" then
  if not is_live(incarnation) then
    return refuse("lost", "it has no live lease")
  end
  kicked = redis.call("SMEMBERS", kicks_key(incarnation))
  redis.call("DEL", kicks_key(incarnation))
end
if epoch == "" then
  return finish({}, {}, "0")
end
-- Those that were due first come first; new ones have the score 0 and come in order of their versions.
local due = redis.call("ZRANGEBYSCORE", PENDING, "-inf", now, "LIMIT", 0, REAP_LIMIT + 1)
local more = #due > REAP_LIMIT or has_backlog()
if #due > REAP_LIMIT then
  due[#due] = nil
end
return finish(hand_out(due), kicked, more and "1" or "0")
