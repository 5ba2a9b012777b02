-- ARGV: 10 incarnation, 11 number, then user and connections in turn.
begin(false)
local incarnation, number = ARGV[10], tonumber(ARGV[11])
if not is_live(incarnation) then
  return refuse("lost", "it has no live lease")
end
local last = tonumber(redis.call("HGET", process_key(incarnation), "number"))
if number <= last then
  return finish({})
end
if number > last + 1 then
  return refuse("lost", "update " .. text(last + 1) .. " is missing; this is " .. text(number))
end
redis.call("HSET", process_key(incarnation), "number", text(number))
local backlog, came = has_backlog(), {}
for index = 12, #ARGV, 2 do
  local user, connections = ARGV[index], tonumber(ARGV[index + 1])
  if backlog then
    apply_time_to(user)
  end
  if connections > 0 then
    redis.call("HSET", holds_key(incarnation), user, text(connections))
    local holders = split(redis.call("HGET", HOLDERS, user))
    holders = without(holders, incarnation)
    holders[#holders + 1] = incarnation
    redis.call("HSET", HOLDERS, user, table.concat(holders, ","))
    if redis.call("ZREM", LEAVING, user) == 0 then
      local state = redis.call("HGET", USERS, user)
      if not state or not string.find(state, "|1|", 1, true) then
        make_edge(user, "1", now)
        came[#came + 1] = user
      end
    end
  elseif release(incarnation, user) then
    redis.call("ZADD", LEAVING, now + grace, user)
  end
end
local versions = {}
for _, user in ipairs(came) do
  for _, version in ipairs(split(redis.call("HGET", UNCONFIRMED, user))) do
    versions[#versions + 1] = version
  end
end
return finish(hand_out(versions))
