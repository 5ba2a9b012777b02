"""What operators see of the realtime side at /metrics, summed over the workers of a server."""

from prometheus_client import Counter, Gauge

connections = Gauge("flowra_connections", "Open sockets.", multiprocess_mode="livesum")
subscriptions = Gauge("flowra_subscriptions", "Subscriptions of open sockets to chats.", multiprocess_mode="livesum")
frames_received = Counter("flowra_frames_received", "Frames from clients.", ["type"])
frames_sent = Counter("flowra_frames_sent", "Frames handed to the server for a socket.")
frames_shed = Counter("flowra_frames_shed", "Stale frames dropped because a socket's queue was full.", ["kind"])
frames_joined = Counter("flowra_frames_joined", "Frames that went out in one write with the ones before them.")
sockets_closed = Counter("flowra_sockets_closed", "Sockets closed by the server.", ["code"])
events_published = Counter("flowra_events_published", "Events fanned out by this process and given to the others.")
events_unannounced = Counter(
    "flowra_events_unannounced", "Events other processes were not told of: broker away or queue full; repaired later."
)
events_repaired = Counter("flowra_events_repaired", "Messages fanned out by the repair, whose event was lost.")
catch_ups = Counter("flowra_catch_ups", "Subscriptions with since, by what they got.", ["result"])
tasks_restarted = Counter("flowra_tasks_restarted", "Background tasks that died and were restarted.", ["task"])
