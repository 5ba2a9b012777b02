"""What operators see of presence at /metrics."""

from prometheus_client import Counter, Gauge, Histogram

users = Gauge("flowra_presence_users", "Users with connections to this process.", multiprocess_mode="livesum")
registrations = Counter("flowra_presence_registrations", "Registrations; more than one a process means a lost lease.")
edges_announced = Counter("flowra_presence_edges", "Edges announced by this process.", ["to"])
announcements_failed = Counter(
    "flowra_presence_announcements_failed", "Announcements that failed; the registry hands the edges out again."
)
registry_failures = Counter("flowra_presence_registry_failures", "Calls that the registry did not answer.")
kicks = Counter("flowra_presence_kicks", "Users whose connections this process was told to close.")
reap_lag_seconds = Histogram(
    "flowra_presence_reap_lag_seconds",
    "How late a reap has ended, beyond the second between two: how late somebody is shown as gone.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
last_reap_timestamp_seconds = Gauge(
    "flowra_presence_last_reap_timestamp_seconds",
    "Unix time of the last reap that the registry answered; of several workers the one that is furthest behind.",
    multiprocess_mode="livemin",
)
