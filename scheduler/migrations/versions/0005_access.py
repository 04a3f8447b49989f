"""What access, privacy and abuse need: roles of coordinators, links, second factor, trail, counts, shares of the desk."""

import sqlalchemy as sa
from alembic import op

from scheduler.db import Encrypted, UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_ROLES = "'desk', 'adviser', 'carrier_coordinator', 'hours_coordinator', 'administrator'"


def upgrade() -> None:
    _widen_roles()
    for column in (
        sa.Column("totp_secret", Encrypted(), nullable=True),
        sa.Column("totp_since", UtcDateTime(), nullable=True),
        sa.Column("totp_last_step", sa.Integer(), nullable=True),
    ):
        op.add_column("account", column)
    op.add_column("hours", sa.Column("desk_share", sa.Double(), server_default=sa.text("0"), nullable=False))
    for name, value in (("visit_months", 12), ("bookings_per_contact", 2)):
        op.add_column("town", sa.Column(name, sa.Integer(), server_default=sa.text(str(value)), nullable=False))
    _make_account_link()
    _make_recovery_code()
    _make_login_delay()
    _make_audit_line()
    _make_case_mark()
    _make_monthly_count()
    _make_sent_text()
    op.create_index(op.f("ix_step_consultation_id"), "step", ["consultation_id"])
    for table in ("freed_time", "idempotency_key"):
        with op.batch_alter_table(table) as batch_op:
            batch_op.alter_column("visit_id", existing_type=sa.Integer(), nullable=True)
    _never_give_a_visits_id_again()


def _widen_roles() -> None:
    with op.batch_alter_table("account_role") as batch_op:
        batch_op.add_column(sa.Column("carrier_id", sa.Integer(), nullable=True))
        for name in ("known_role", "desk_has_place"):
            batch_op.drop_constraint(op.f(f"ck_account_role_{name}"), type_="check")
        batch_op.drop_constraint(op.f("uq_account_role_account_id_role_place_id_adviser_id"), type_="unique")
        batch_op.create_foreign_key(op.f("fk_account_role_carrier_id"), "carrier", ["carrier_id"], ["id"])
        batch_op.create_check_constraint(op.f("ck_account_role_known_role"), sa.text(f"role IN ({_ROLES})"))
        batch_op.create_check_constraint(
            op.f("ck_account_role_has_place"),
            sa.text("(role IN ('desk', 'hours_coordinator')) = (place_id IS NOT NULL)"),
        )
        batch_op.create_check_constraint(
            op.f("ck_account_role_coordinator_has_carrier"),
            sa.text("(role = 'carrier_coordinator') = (carrier_id IS NOT NULL)"),
        )
        batch_op.create_unique_constraint(
            op.f("uq_account_role_account_id_role_place_id_adviser_id_carrier_id"),
            ["account_id", "role", "place_id", "adviser_id", "carrier_id"],
        )
        batch_op.alter_column("role", type_=sa.String(19), existing_type=sa.String(7), existing_nullable=False)


def _make_account_link() -> None:
    op.create_table(
        "account_link",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.Enum("invitation", "reset", native_enum=False), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("made_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("purpose IN ('invitation', 'reset')", name=op.f("ck_account_link_known_purpose")),
        _reference("account_link", "account_id", "account"),
        _reference("account_link", "made_by_id", "account"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_link")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_account_link_token_hash")),
    )
    op.create_index(op.f("ix_account_link_account_id"), "account_link", ["account_id"])


def _make_recovery_code() -> None:
    op.create_table(
        "recovery_code",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("code_hash", sa.String(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        _reference("recovery_code", "account_id", "account"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_code")),
        sa.UniqueConstraint("account_id", "code_hash", name=op.f("uq_recovery_code_account_id_code_hash")),
    )


def _make_login_delay() -> None:
    op.create_table(
        "login_delay",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_login_delay")),
    )
    op.create_index(op.f("ix_login_delay_failed_at"), "login_delay", ["failed_at"])


def _make_audit_line() -> None:
    op.create_table(
        "audit_line",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("things", sa.JSON(), nullable=False),
        _reference("audit_line", "account_id", "account"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_line")),
    )
    op.create_index(op.f("ix_audit_line_at"), "audit_line", ["at"])
    op.create_index("ix_audit_line_account_at", "audit_line", ["account_id", "at"])


def _make_case_mark() -> None:
    op.create_table(
        "case_mark",
        sa.Column("visit_id", sa.Integer(), nullable=False),
        sa.Column("adviser_id", sa.Integer(), nullable=False),
        sa.Column("mark", Encrypted(), nullable=False),
        _reference("case_mark", "visit_id", "visit"),
        _reference("case_mark", "adviser_id", "adviser"),
        sa.PrimaryKeyConstraint("visit_id", name=op.f("pk_case_mark")),
    )
    op.create_index(op.f("ix_case_mark_adviser_id"), "case_mark", ["adviser_id"])


def _make_monthly_count() -> None:
    keys = ("month", "place", "carrier", "service", "measure", "value")
    op.create_table(
        "monthly_count",
        sa.Column("month", sa.Date(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in keys[1:]),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(*keys, name=op.f("pk_monthly_count")),
    )


def _make_sent_text() -> None:
    op.create_table(
        "sent_text",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sent_text")),
    )
    op.create_index(op.f("ix_sent_text_at"), "sent_text", ["at"])


def _never_give_a_visits_id_again() -> None:
    """SQLite gives the id of a deleted last row to the next one; a visit's link and calendar event follow from its id.

    Only AUTOINCREMENT prevents that, and only a new table can have it. PostgreSQL never does such a thing.
    """
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        return
    of_visit = "FROM sqlite_master WHERE tbl_name = 'visit' AND sql IS NOT NULL AND type"
    (table,) = connection.exec_driver_sql(f"SELECT sql {of_visit} = 'table'").scalars()
    if "AUTOINCREMENT" in table:
        return  # it was taken back before, which leaves the table as it is
    beside = connection.exec_driver_sql(f"SELECT sql {of_visit} IN ('index', 'trigger')").scalars().all()
    for old, new in (
        ("\tid INTEGER NOT NULL,", "\tid INTEGER NOT NULL CONSTRAINT pk_visit PRIMARY KEY AUTOINCREMENT,"),
        ("CONSTRAINT pk_visit PRIMARY KEY (id),", ""),
    ):
        assert table.count(old) == 1, table
        table = table.replace(old, new)
    # Rows of other tables name these: until the commit nobody asks whether they are there.
    for statement in (
        "PRAGMA defer_foreign_keys = ON",
        "CREATE TABLE visit_meanwhile AS SELECT * FROM visit",
        "DELETE FROM visit",
        "DROP TABLE visit",
        table,
        "INSERT INTO visit SELECT * FROM visit_meanwhile",
        "DROP TABLE visit_meanwhile",
        *beside,
    ):
        connection.exec_driver_sql(statement)


def _reference(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}"))


def downgrade() -> None:
    op.drop_index(op.f("ix_step_consultation_id"), "step")
    for table in ("freed_time", "idempotency_key"):
        op.execute(f"DELETE FROM {table} WHERE visit_id IS NULL")  # noqa: S608 - our own words
        with op.batch_alter_table(table) as batch_op:
            batch_op.alter_column("visit_id", existing_type=sa.Integer(), nullable=False)
    for table in (
        "sent_text",
        "monthly_count",
        "case_mark",
        "audit_line",
        "login_delay",
        "recovery_code",
        "account_link",
    ):
        op.drop_table(table)
    for name in ("visit_months", "bookings_per_contact"):
        op.drop_column("town", name)
    op.drop_column("hours", "desk_share")
    for name in ("totp_secret", "totp_since", "totp_last_step"):
        op.drop_column("account", name)
    op.execute("DELETE FROM account_role WHERE role NOT IN ('desk', 'adviser')")
    with op.batch_alter_table("account_role") as batch_op:
        for name in ("known_role", "has_place", "coordinator_has_carrier"):
            batch_op.drop_constraint(op.f(f"ck_account_role_{name}"), type_="check")
        batch_op.drop_constraint(op.f("uq_account_role_account_id_role_place_id_adviser_id_carrier_id"), type_="unique")
        batch_op.drop_constraint(op.f("fk_account_role_carrier_id"), type_="foreignkey")
        batch_op.drop_column("carrier_id")
        batch_op.alter_column("role", type_=sa.String(7), existing_type=sa.String(19), existing_nullable=False)
        batch_op.create_check_constraint(op.f("ck_account_role_known_role"), sa.text("role IN ('desk', 'adviser')"))
        batch_op.create_check_constraint(
            op.f("ck_account_role_desk_has_place"), sa.text("(role = 'desk') = (place_id IS NOT NULL)")
        )
        batch_op.create_unique_constraint(
            op.f("uq_account_role_account_id_role_place_id_adviser_id"),
            ["account_id", "role", "place_id", "adviser_id"],
        )
