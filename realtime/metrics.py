"""What operators see of the realtime side at /metrics, summed over the workers of a server.

Latency is measured without comparing clocks of two machines. `flowra_delivery_seconds` runs from the moment this
process learned of an event (published here, or taken from the layer) to the last of its own sockets, and
`flowra_layer_round_trip_seconds` from publishing to the moment the layer gives the event back to the process that
published it, which is a subscriber like any other: each on one monotonic clock. What the sockets of other processes
wait is the sum of the two.
"""

from prometheus_client import Counter, Gauge, Histogram

from realtime.protocol.frames import CloseCode, ErrorCode

# Seconds: half a millisecond is a quiet room, a quarter of a second is what people notice.
LATENCY_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

connections = Gauge("flowra_connections", "Open sockets.", multiprocess_mode="livesum")
subscriptions = Gauge("flowra_subscriptions", "Subscriptions of open sockets to chats.", multiprocess_mode="livesum")
background_subscriptions = Gauge(
    "flowra_background_subscriptions", "Those of them without presence and typing.", multiprocess_mode="livesum"
)
watched = Gauge(
    "flowra_watched_users",
    "People whom open sockets watch, each counted once for each socket.",
    multiprocess_mode="livesum",
)
sockets_opened = Counter("flowra_sockets_opened", "Sockets that were served, whatever became of them.")
sockets_closed = Counter("flowra_sockets_closed", "Sockets closed by the server.", ["code"])
frames_received = Counter("flowra_frames_received", "Frames from clients.", ["type"])
frames_sent = Counter("flowra_frames_sent", "Deliveries: frames handed to the server for a socket.")
frames_shed = Counter("flowra_frames_shed", "Stale frames dropped because a socket's queue was full.", ["kind"])
frames_too_large = Counter(
    "flowra_frames_too_large", "Frames larger than FLOWRA_OUTBOX_BYTES, sent as a resync instead."
)
frames_joined = Counter("flowra_frames_joined", "Frames that went out in one write with the ones before them.")
outbox_bytes = Gauge(
    "flowra_outbox_bytes", "Bytes that wait for clients that do not read fast enough.", multiprocess_mode="livesum"
)
outbox_largest_bytes = Gauge(
    "flowra_outbox_largest_bytes", "The same for the one client that has most waiting.", multiprocess_mode="livemax"
)
messages = Counter(
    "flowra_messages", "Messages posted, edited and deleted, over socket, REST, pages and admin.", ["change"]
)
events_published = Counter("flowra_events_published", "Events fanned out by this process and given to the others.")
events_unannounced = Counter(
    "flowra_events_unannounced", "Events other processes were not told of: broker away or queue full; repaired later."
)
events_foreign = Counter(
    "flowra_events_foreign", "Events from the broker that no process of this installation has signed; dropped."
)
announcements_missed = Counter(
    "flowra_announcements_missed", "Looks that found changes of which this process was not told; its sockets resynced."
)
events_repaired = Counter("flowra_events_repaired", "Messages fanned out by the repair, whose event was lost.")
delivery_seconds = Histogram(
    "flowra_delivery_seconds",
    "From publishing an event, or taking it from the layer, to the last subscribed socket of this process.",
    buckets=LATENCY_BUCKETS,
)
layer_round_trip_seconds = Histogram(
    "flowra_layer_round_trip_seconds",
    "From publishing an event to its return from the layer to the process that published it.",
    buckets=LATENCY_BUCKETS,
)
layer_failures = Counter("flowra_layer_failures", "Operations that the channel layer did not carry out.", ["operation"])
layer_reconnects = Counter("flowra_layer_reconnects", "Times the layer's connection came back and clients resynced.")
catch_ups = Counter("flowra_catch_ups", "Subscriptions with since, by what they got.", ["result"])
catch_up_messages = Counter("flowra_catch_up_messages", "Messages sent to clients that caught up.")
commands_refused = Counter("flowra_commands_refused", "Frames that were answered with an error, by its code.", ["code"])
limits_met = Counter(
    "flowra_limits_met", "Sockets and sign-ins refused by a limit that a user or an address has met.", ["setting"]
)
tasks_restarted = Counter("flowra_tasks_restarted", "Background tasks that died and were restarted.", ["task"])
event_loop_lag_seconds = Histogram(
    "flowra_event_loop_lag_seconds",
    "How late the event loop wakes a task that sleeps: what everything in the process waits.",
    buckets=LATENCY_BUCKETS,
)

# What alerts look at is there, as 0, before it first happens: Prometheus sees no increase in a series that begins at 1.
# So it is with tasks_restarted, see supervisor.py.
for operation in ("publish", "join", "leave", "listen"):
    layer_failures.labels(operation)
sockets_closed.labels(int(CloseCode.SLOW_CONSUMER))
for code in ErrorCode:
    commands_refused.labels(code)
for setting in (
    "FLOWRA_CONNECTIONS_PER_USER",
    "FLOWRA_CONNECTIONS_PER_ADDRESS",
    "FLOWRA_HANDSHAKES_PER_USER",
    "FLOWRA_HANDSHAKES_PER_MINUTE",
    "FLOWRA_SIGN_INS_PER_MINUTE",
):
    limits_met.labels(setting)
