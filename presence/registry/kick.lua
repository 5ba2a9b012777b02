-- ARGV: 10 user.
begin(false)
local processes = 0
for _, incarnation in ipairs(split(redis.call("HGET", HOLDERS, ARGV[10]))) do
  if lease_of(incarnation) > now then
    redis.call("SADD", kicks_key(incarnation), ARGV[10])
    processes = processes + 1
  end
end
return finish(text(processes))
