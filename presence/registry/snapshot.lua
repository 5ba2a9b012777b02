-- ARGV: from 10 on users. Gives each one's state in turn: version|online|at, at empty for somebody never seen.
begin(false)
if epoch == "" or now < settled_at then
  return refuse("away", "it is new; who is online is not known yet")
end
local backlog, states = has_backlog(), {}
local nobody = text(base_version) .. "|0|"
local CHUNK = 1000 -- Lua's stack has a limit
for start = 10, #ARGV, CHUNK do
  local stop = math.min(start + CHUNK - 1, #ARGV)
  if backlog then
    for place = start, stop do
      settle_user(ARGV[place])
    end
  end
  for _, state in ipairs(redis.call("HMGET", USERS, unpack(ARGV, start, stop))) do
    states[#states + 1] = state or nobody
  end
end
return finish(states)
