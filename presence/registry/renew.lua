-- ARGV: 10 incarnation, 11 the number of its last update.
begin(false)
local incarnation = ARGV[10]
if not is_live(incarnation) then
  return refuse("lost", "it has no live lease")
end
local last = redis.call("HGET", process_key(incarnation), "number")
if last ~= ARGV[11] then
  return refuse("lost", "it has sent update " .. ARGV[11] .. "; the last one here is " .. last)
end
redis.call("ZADD", PROCESSES, now + lease, incarnation)
return finish()
