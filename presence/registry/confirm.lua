-- ARGV: from 10 on versions.
begin(false)
for place = 10, #ARGV do
  forget_edge(ARGV[place])
end
return finish()
