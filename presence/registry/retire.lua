-- ARGV: 10 incarnation.
begin(false)
local incarnation = ARGV[10]
if is_live(incarnation) then
  local backlog = has_backlog()
  for _, user in ipairs(redis.call("HKEYS", holds_key(incarnation))) do
    if backlog then
      apply_time_to(user)
    end
    if release(incarnation, user) then
      redis.call("ZADD", LEAVING, now + grace, user)
    end
  end
  delete_process(incarnation)
end
return finish()
