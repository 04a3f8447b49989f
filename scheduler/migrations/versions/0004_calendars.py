"""What calendars and messages need: feeds of more kinds, calendars that are read, times held back, a sign of life."""

import sqlalchemy as sa
from alembic import op

from scheduler.db import Encrypted, UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# In words of its own, as in 0003: no table is made anew under its triggers.
_CALENDAR_OF_ABSENCE = """
ALTER TABLE absence ADD COLUMN busy_calendar_id INTEGER
CONSTRAINT fk_absence_busy_calendar_id REFERENCES busy_calendar (id)
CONSTRAINT ck_absence_imported_has_calendar CHECK ((source = 'imported') = (busy_calendar_id IS NOT NULL))
"""


def upgrade() -> None:
    _widen_feed()
    _make_busy_calendar()
    op.execute(_CALENDAR_OF_ABSENCE)
    op.create_index(op.f("ix_absence_busy_calendar_id"), "absence", ["busy_calendar_id"])
    op.add_column("visit", sa.Column("coming_at", UtcDateTime(), nullable=True))
    _make_freed_time()
    _widen_message()
    op.create_table(
        "heartbeat",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_heartbeat_only_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_heartbeat")),
    )


def _widen_message() -> None:
    op.add_column("message", sa.Column("expires_at", UtcDateTime(), nullable=True))
    op.add_column("message", sa.Column("unasked", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    begins = "(SELECT starts_at FROM visit WHERE visit.id = message.visit_id)"
    op.execute(f"UPDATE message SET expires_at = {begins} WHERE state = 'pending' AND channel != 'call'")  # noqa: S608


def _widen_feed() -> None:
    with op.batch_alter_table("feed") as batch_op:
        batch_op.add_column(sa.Column("carrier_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("language", sa.String(), nullable=True))
        for name in ("modified_at", "fetched_at"):
            batch_op.add_column(sa.Column(name, UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("gzipped", sa.LargeBinary(), nullable=True))
        batch_op.add_column(sa.Column("told", sa.JSON(), nullable=True))
        batch_op.create_foreign_key(op.f("fk_feed_carrier_id"), "carrier", ["carrier_id"], ["id"])
        batch_op.create_check_constraint(
            op.f("ck_feed_carrier_feed_has_carrier"), sa.text("(kind = 'carrier') = (carrier_id IS NOT NULL)")
        )
        batch_op.create_check_constraint(
            op.f("ck_feed_interpreter_feed_has_language"), sa.text("(kind = 'interpreter') = (language IS NOT NULL)")
        )
    # What is published knows nothing of its events yet: the next round says it all anew.
    op.execute("UPDATE feed SET published_at = NULL WHERE revoked_at IS NULL")


def _make_busy_calendar() -> None:
    op.create_table(
        "busy_calendar",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("adviser_id", sa.Integer(), nullable=False),
        sa.Column("url", Encrypted(), nullable=False),
        sa.Column("url_key", sa.String(), nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        *(sa.Column(name, UtcDateTime(), nullable=True) for name in ("claimed_until", "tried_at", "read_at")),
        sa.Column("etag", sa.String(), nullable=True),
        sa.Column("last_modified", sa.String(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("problem", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["adviser_id"], ["adviser.id"], name=op.f("fk_busy_calendar_adviser_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_busy_calendar")),
        sa.UniqueConstraint("adviser_id", "url_key", name=op.f("uq_busy_calendar_adviser_id_url_key")),
    )
    for name in ("adviser_id", "due_at"):
        op.create_index(op.f(f"ix_busy_calendar_{name}"), "busy_calendar", [name])


def _make_freed_time() -> None:
    op.create_table(
        "freed_time",
        sa.Column("id", sa.Integer(), nullable=False),
        *(sa.Column(f"{name}_id", sa.Integer(), nullable=False) for name in ("visit", "opening", "adviser")),
        *(sa.Column(name, UtcDateTime(), nullable=False) for name in ("starts_at", "ends_at", "offered_from")),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_freed_time_in_order")),
        *(
            sa.ForeignKeyConstraint([f"{name}_id"], [f"{name}.id"], name=op.f(f"fk_freed_time_{name}_id"))
            for name in ("visit", "opening", "adviser")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_freed_time")),
    )
    op.create_index(op.f("ix_freed_time_offered_from"), "freed_time", ["offered_from"])


def downgrade() -> None:
    op.drop_table("heartbeat")
    op.drop_table("freed_time")
    op.drop_column("visit", "coming_at")
    for name in ("expires_at", "unasked"):
        op.drop_column("message", name)
    op.execute("DELETE FROM absence WHERE busy_calendar_id IS NOT NULL")
    op.drop_index(op.f("ix_absence_busy_calendar_id"), "absence")
    op.drop_column("absence", "busy_calendar_id")
    op.drop_table("busy_calendar")
    op.execute("DELETE FROM feed WHERE kind IN ('carrier', 'interpreter')")
    with op.batch_alter_table("feed") as batch_op:
        for name in ("carrier_feed_has_carrier", "interpreter_feed_has_language"):
            batch_op.drop_constraint(op.f(f"ck_feed_{name}"), type_="check")
        batch_op.drop_constraint(op.f("fk_feed_carrier_id"), type_="foreignkey")
        for name in ("carrier_id", "language", "modified_at", "fetched_at", "gzipped", "told"):
            batch_op.drop_column(name)
