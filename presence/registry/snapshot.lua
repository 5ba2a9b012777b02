-- ARGV: from 10 on users. Returns the state of each in order: version|online|at; at is empty if never online.
begin(false)
if epoch == "" or now < settled_at then
  return refuse("unavailable", "it is new; who is online is not known yet")
end
local backlog, states = has_backlog(), {}
local nobody = text(base_version) .. "|0|"
local CHUNK = 1000 -- Lua's stack has a limit
for start = 10, #ARGV, CHUNK do
  local stop = math.min(start + CHUNK - 1, #ARGV)
  if backlog then
    for index = start, stop do
      apply_time_to(ARGV[index])
    end
  end
  for _, state in ipairs(redis.call("HMGET", USERS, unpack(ARGV, start, stop))) do
    states[#states + 1] = state or nobody
  end
end
return finish(states)
