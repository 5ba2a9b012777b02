-- ARGV: from 10 on versions.
begin(false)
for index = 10, #ARGV do
  drop_edge(ARGV[index])
end
return finish()
