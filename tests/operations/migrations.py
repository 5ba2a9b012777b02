"""What a migration may do while servers of the version before run on the same database.

They insert rows without the new columns and select the columns that they know, while people write. So a migration
adds: tables, and columns that fill themselves. It neither takes away nor renames what is used, and holds no lock for as
long as a large table takes to be read. docs/operations.md, "Upgrade and rollback", promises this.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib.postgres.operations import AddConstraintNotValid, AddIndexConcurrently, ValidateConstraint
from django.db import migrations
from django.db.migrations.operations.base import Operation
from django.db.models import NOT_PROVIDED, ManyToManyField

# What changes nothing in the database, or only adds to it.
HARMLESS = (
    migrations.CreateModel,
    migrations.AlterModelOptions,
    migrations.AlterModelManagers,
    AddIndexConcurrently,
    AddConstraintNotValid,
    ValidateConstraint,
)


def complaints(migration: migrations.Migration) -> Iterator[str]:
    """Yield what in `migration` would disturb servers that run, or cannot be undone; in words for its author."""
    made = [one for one in migration.operations if isinstance(one, migrations.CreateModel)]
    new_tables = {one.name.lower() for one in made}
    for operation in migration.operations:
        what = f"{migration.app_label}.{migration.name}: {operation.describe()}"
        if not operation.reversible:
            yield f"{what}: cannot be undone; give it a reverse"
        if str(getattr(operation, "model_name", "")).lower() in new_tables:
            continue  # nobody uses that table yet
        if problem := _problem(operation):
            yield f"{what}: {problem}"


def _problem(operation: Operation) -> str:
    """Return what is wrong with an operation on a table that is in use, or nothing."""
    match operation:
        case _ if isinstance(operation, HARMLESS):  # first: what is done concurrently is a kind of what is not
            return ""
        case migrations.RunPython() | migrations.RunSQL():
            return "nobody can see from here what it does: look at it, and name it in REVIEWED with the reason"
        case migrations.AddField():
            return _problem_of_field(operation.field)
        case migrations.AddIndex():
            return "nobody writes while it is built: on PostgreSQL build it concurrently"
        case migrations.AddConstraint():
            return "the old version may break it, and nobody writes while the rows are looked at: add it NOT VALID"
    return "the version before may use what it changes: do it in the version after the one that stops using it"


def _problem_of_field(field: Any) -> str:
    if isinstance(field, ManyToManyField):
        return ""  # a table of its own
    if not field.null and field.db_default is NOT_PROVIDED:
        return "the old version inserts rows without it: give it db_default, or null=True"
    if field.unique or field.db_index:
        return "nobody writes while its index is built: add the column alone, then the index concurrently"
    return ""
