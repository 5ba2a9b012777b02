-- ARGV: 10 incarnation, 11 host, 12 pid, 13 version, 14 since, 15 the id of the epoch if one begins.
begin(floor == 0)
if epoch == "" then
  epoch = ARGV[15]
  -- Versions rise over epochs, even if no process knows the last one.
  settled_at = serial > 0 and now + SETTLE or now
  serial = math.max(wall, serial + 1)
  base_version = serial
end
local incarnation = ARGV[10]
if lease_of(incarnation) <= now then
  -- Unknown, or expired and still in the backlog: it begins without users.
  for _, user in ipairs(redis.call("HKEYS", holds_key(incarnation))) do
    expire(incarnation, user)
  end
  delete_process(incarnation)
  redis.call("HSET", process_key(incarnation), "host", ARGV[11], "pid", ARGV[12], "version", ARGV[13],
    "since", ARGV[14], "number", "0")
end
redis.call("ZADD", PROCESSES, now + lease, incarnation)
return finish(epoch, text(math.max(0, settled_at - now)))
