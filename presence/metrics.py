"""What operators see of presence at /metrics."""

from prometheus_client import Counter, Gauge

users = Gauge("flowra_presence_users", "Users with connections to this process.", multiprocess_mode="livesum")
registrations = Counter("flowra_presence_registrations", "Registrations; more than one a process means a lost lease.")
edges_announced = Counter("flowra_presence_edges", "Edges announced by this process.", ["to"])
announcements_failed = Counter(
    "flowra_presence_announcements_failed", "Announcements that failed; the registry hands the edges out again."
)
registry_failures = Counter("flowra_presence_registry_failures", "Calls that the registry did not answer.")
