"""What the queue needs: forecasts that were shown, who was turned away, how tickets are given, quiet calls, PINs."""

import sqlalchemy as sa
from alembic import op

from scheduler.db import UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# In words of its own: both databases take a check with a new column, and no table is made anew under its triggers.
_TICKETS = """
ALTER TABLE opening ADD COLUMN tickets VARCHAR(9) DEFAULT 'automatic' NOT NULL
CONSTRAINT ck_opening_known_tickets CHECK (tickets IN ('automatic', 'open', 'stopped'))
"""


def upgrade() -> None:
    op.add_column("visit", _flag("fetch_in_person"))
    op.add_column("visit", _flag("times_unreliable"))
    op.add_column("account", sa.Column("pin_hash", sa.String(), nullable=True))
    op.add_column("account", sa.Column("pin_failures", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.execute(_TICKETS)
    op.execute("UPDATE opening SET tickets = 'stopped' WHERE tickets_stopped_at IS NOT NULL")
    op.drop_column("opening", "tickets_stopped_at")
    for name in ("full_since", "help_wanted_at"):
        op.add_column("opening", sa.Column(name, UtcDateTime(), nullable=True))
    _make_shown_forecast()
    _make_turned_away()
    op.add_column("contact", _flag("nearly"))
    _allow_kinds("'confirmation', 'reminder', 'moved', 'cancelled', 'nearly'")
    for name, table in (("former_service_id", "service"), ("former_wished_adviser_id", "adviser")):
        op.add_column("step", _reference(name, table), inline_references=True)


def _allow_kinds(kinds: str) -> None:
    name = op.f("ck_message_known_kind")
    with op.batch_alter_table("message") as batch_op:
        batch_op.drop_constraint(name, type_="check")
        batch_op.create_check_constraint(name, sa.text(f"kind IN ({kinds})"))


def _reference(name: str, table: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), sa.ForeignKey(f"{table}.id", name=f"fk_step_{name}"), nullable=True)


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), server_default=sa.text("false"), nullable=False)


def _make_shown_forecast() -> None:
    figures = ("simulated", "spread", "closed_form", "low", "high", "chance")
    op.create_table(
        "shown_forecast",
        sa.Column("visit_id", sa.Integer(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("ahead", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Double(), nullable=False) for name in figures),
        sa.Column("basis", sa.Enum("configured", "few", "learned", native_enum=False), nullable=False),
        sa.CheckConstraint("basis IN ('configured', 'few', 'learned')", name=op.f("ck_shown_forecast_known_basis")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_shown_forecast_visit_id")),
        sa.PrimaryKeyConstraint("visit_id", name=op.f("pk_shown_forecast")),
    )
    op.create_index(op.f("ix_shown_forecast_made_at"), "shown_forecast", ["made_at"], unique=False)


def _make_turned_away() -> None:
    op.create_table(
        "turned_away",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("opening_id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["opening_id"], ["opening.id"], name=op.f("fk_turned_away_opening_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_turned_away")),
    )
    op.create_index(op.f("ix_turned_away_opening_id"), "turned_away", ["opening_id"], unique=False)


def downgrade() -> None:
    op.execute("DELETE FROM message WHERE kind = 'nearly'")
    _allow_kinds("'confirmation', 'reminder', 'moved', 'cancelled'")
    op.drop_column("contact", "nearly")
    for name in ("former_service_id", "former_wished_adviser_id"):
        op.drop_column("step", name)
    op.drop_table("turned_away")
    op.drop_table("shown_forecast")
    for name in ("full_since", "help_wanted_at"):
        op.drop_column("opening", name)
    op.add_column("opening", sa.Column("tickets_stopped_at", UtcDateTime(), nullable=True))
    op.drop_column("opening", "tickets")
    op.drop_column("account", "pin_failures")
    op.drop_column("account", "pin_hash")
    for name in ("fetch_in_person", "times_unreliable"):
        op.drop_column("visit", name)
