"""All tables of the first version."""

import sqlalchemy as sa
from alembic import op

from scheduler.db import Encrypted, UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("login", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("is_demo", sa.Boolean(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("disabled_at", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("login", name=op.f("uq_account_login")),
    )
    op.create_table(
        "agency",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("phone", sa.String(), nullable=False),
        sa.Column("hours", sa.String(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("retired_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agency")),
        sa.UniqueConstraint("key", name=op.f("uq_agency_key")),
    )
    op.create_table(
        "carrier",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("retired_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_carrier")),
        sa.UniqueConstraint("key", name=op.f("uq_carrier_key")),
    )
    op.create_table(
        "concern",
        sa.Column("name", sa.JSON(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("asks_adviser", sa.Boolean(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("retired_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("minutes > 0", name=op.f("ck_concern_minutes_positive")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_concern")),
        sa.UniqueConstraint("key", name=op.f("uq_concern_key")),
    )
    op.create_table(
        "place",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("phone", sa.String(), nullable=False),
        sa.Column("stations", sa.JSON(), nullable=False),
        sa.Column("first_ticket", sa.Integer(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("retired_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_place")),
        sa.UniqueConstraint("key", name=op.f("uq_place_key")),
    )
    op.create_table(
        "service",
        sa.Column("name", sa.JSON(), nullable=False),
        sa.Column("from_age", sa.Integer(), nullable=True),
        sa.Column("until_age", sa.Integer(), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("retired_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service")),
        sa.UniqueConstraint("key", name=op.f("uq_service_key")),
    )
    op.create_table(
        "topic",
        sa.Column("name", sa.JSON(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("retired_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_topic")),
        sa.UniqueConstraint("key", name=op.f("uq_topic_key")),
    )
    op.create_table(
        "town",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("timezone", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("locales", sa.JSON(), nullable=False),
        sa.Column("calls_before_missed", sa.Integer(), nullable=False),
        sa.Column("contact_days", sa.Integer(), nullable=False),
        sa.Column("rules_revision", sa.Integer(), nullable=False),
        sa.Column("rules_stamp", sa.String(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_town_only_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_town")),
    )
    op.create_table(
        "adviser",
        sa.Column("carrier_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("services", sa.JSON(), nullable=False),
        sa.Column("languages", sa.JSON(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("retired_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["carrier_id"], ["carrier.id"], name=op.f("fk_adviser_carrier_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_adviser")),
        sa.UniqueConstraint("key", name=op.f("uq_adviser_key")),
    )
    op.create_table(
        "closure",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=True),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.JSON(), nullable=False),
        sa.CheckConstraint("from_on <= until_on", name=op.f("ck_closure_in_order")),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name=op.f("fk_closure_place_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_closure")),
    )
    op.create_table(
        "hours",
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("services", sa.JSON(), nullable=False),
        sa.Column("rrule", sa.String(), nullable=True),
        sa.Column("dates", sa.JSON(), nullable=False),
        sa.Column("from_time", sa.Time(), nullable=True),
        sa.Column("until_time", sa.Time(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column(
            "admits", sa.Enum("walk_in", "appointment", "mixed", "by_arrangement", native_enum=False), nullable=False
        ),
        sa.Column("appointments_at_once", sa.Integer(), nullable=True),
        sa.Column("grid_minutes", sa.Integer(), nullable=False),
        sa.Column("tickets_minutes_before", sa.Integer(), nullable=False),
        sa.Column("ticket_limit", sa.Integer(), nullable=True),
        sa.Column("concerns", sa.JSON(), nullable=False),
        sa.Column("room", sa.String(), nullable=False),
        sa.Column("after_until", sa.Boolean(), nullable=False),
        sa.Column("lead_hours", sa.Integer(), nullable=False),
        sa.Column("horizon_days", sa.Integer(), nullable=False),
        sa.Column("release_days", sa.Integer(), nullable=True),
        sa.Column("advisers", sa.JSON(), nullable=False),
        sa.Column("own_adviser_id", sa.Integer(), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("retired_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "admits IN ('walk_in', 'appointment', 'mixed', 'by_arrangement')", name=op.f("ck_hours_known_admits")
        ),
        sa.CheckConstraint("from_time < until_time", name=op.f("ck_hours_within_a_day")),
        sa.CheckConstraint("grid_minutes > 0", name=op.f("ck_hours_grid_positive")),
        sa.ForeignKeyConstraint(["own_adviser_id"], ["adviser.id"], name=op.f("fk_hours_own_adviser_id")),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name=op.f("fk_hours_place_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hours")),
        sa.UniqueConstraint("key", name=op.f("uq_hours_key")),
    )
    op.create_table(
        "ticket_counter",
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("local_on", sa.Date(), nullable=False),
        sa.Column("last_number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name=op.f("fk_ticket_counter_place_id")),
        sa.PrimaryKeyConstraint("place_id", "local_on", name=op.f("pk_ticket_counter")),
    )
    op.create_table(
        "absence",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("adviser_id", sa.Integer(), nullable=False),
        sa.Column("starts_at", UtcDateTime(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=False),
        sa.Column("source", sa.Enum("entered", "imported", native_enum=False), nullable=False),
        sa.CheckConstraint("source IN ('entered', 'imported')", name=op.f("ck_absence_known_source")),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_absence_in_order")),
        sa.ForeignKeyConstraint(["adviser_id"], ["adviser.id"], name=op.f("fk_absence_adviser_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_absence")),
    )
    with op.batch_alter_table("absence", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_absence_adviser_id"), ["adviser_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_absence_ends_at"), ["ends_at"], unique=False)

    op.create_table(
        "account_role",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("role", sa.Enum("desk", "adviser", native_enum=False), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=True),
        sa.Column("adviser_id", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "(role = 'adviser') = (adviser_id IS NOT NULL)", name=op.f("ck_account_role_adviser_has_adviser")
        ),
        sa.CheckConstraint("(role = 'desk') = (place_id IS NOT NULL)", name=op.f("ck_account_role_desk_has_place")),
        sa.CheckConstraint("role IN ('desk', 'adviser')", name=op.f("ck_account_role_known_role")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_account_role_account_id")),
        sa.ForeignKeyConstraint(["adviser_id"], ["adviser.id"], name=op.f("fk_account_role_adviser_id")),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name=op.f("fk_account_role_place_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_role")),
        sa.UniqueConstraint(
            "account_id",
            "role",
            "place_id",
            "adviser_id",
            name=op.f("uq_account_role_account_id_role_place_id_adviser_id"),
        ),
    )
    op.create_table(
        "exception",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("hours_id", sa.Integer(), nullable=False),
        sa.Column("original_on", sa.Date(), nullable=False),
        sa.Column("kind", sa.Enum("cancelled", "moved", "added", native_enum=False), nullable=False),
        sa.Column("held_on", sa.Date(), nullable=True),
        sa.Column("from_time", sa.Time(), nullable=True),
        sa.Column("until_time", sa.Time(), nullable=True),
        sa.Column("advisers", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("from_file", sa.Boolean(), nullable=False),
        sa.CheckConstraint("kind IN ('cancelled', 'moved', 'added')", name=op.f("ck_exception_known_kind")),
        sa.ForeignKeyConstraint(["hours_id"], ["hours.id"], name=op.f("fk_exception_hours_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exception")),
        sa.UniqueConstraint(
            "hours_id", "original_on", "from_file", name=op.f("uq_exception_hours_id_original_on_from_file")
        ),
    )
    op.create_table(
        "feed",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Enum("adviser", "place", "carrier", "interpreter", native_enum=False), nullable=False),
        sa.Column("adviser_id", sa.Integer(), nullable=True),
        sa.Column("place_id", sa.Integer(), nullable=True),
        sa.Column("level", sa.Enum("busy", "details", native_enum=False), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.Column("wanted", sa.Integer(), nullable=False),
        sa.Column("published", sa.Integer(), nullable=False),
        sa.Column("published_at", UtcDateTime(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("etag", sa.String(), nullable=True),
        sa.CheckConstraint(
            "(kind = 'adviser') = (adviser_id IS NOT NULL)", name=op.f("ck_feed_adviser_feed_has_adviser")
        ),
        sa.CheckConstraint("(kind = 'place') = (place_id IS NOT NULL)", name=op.f("ck_feed_place_feed_has_place")),
        sa.CheckConstraint("kind IN ('adviser', 'place', 'carrier', 'interpreter')", name=op.f("ck_feed_known_kind")),
        sa.CheckConstraint("level IN ('busy', 'details')", name=op.f("ck_feed_known_level")),
        sa.ForeignKeyConstraint(["adviser_id"], ["adviser.id"], name=op.f("fk_feed_adviser_id")),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name=op.f("fk_feed_place_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feed")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_feed_token_hash")),
    )
    with op.batch_alter_table("feed", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_feed_adviser_id"), ["adviser_id"], unique=False)

    op.create_table(
        "opening",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("hours_id", sa.Integer(), nullable=False),
        sa.Column("original_on", sa.Date(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("tickets_stopped_at", UtcDateTime(), nullable=True),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["hours_id"], ["hours.id"], name=op.f("fk_opening_hours_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opening")),
        sa.UniqueConstraint("hours_id", "original_on", name=op.f("uq_opening_hours_id_original_on")),
    )
    with op.batch_alter_table("opening", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_opening_original_on"), ["original_on"], unique=False)

    op.create_table(
        "rota",
        sa.Column("hours_id", sa.Integer(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("turns", sa.JSON(), nullable=False),
        sa.Column("skipped", sa.Enum("used", "pass_on", native_enum=False), nullable=False),
        sa.CheckConstraint("skipped IN ('used', 'pass_on')", name=op.f("ck_rota_known_skipped")),
        sa.ForeignKeyConstraint(["hours_id"], ["hours.id"], name=op.f("fk_rota_hours_id")),
        sa.PrimaryKeyConstraint("hours_id", name=op.f("pk_rota")),
    )
    op.create_table(
        "presence",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("opening_id", sa.Integer(), nullable=False),
        sa.Column("adviser_id", sa.Integer(), nullable=False),
        sa.Column("station", sa.String(), nullable=False),
        sa.Column("state", sa.Enum("present", "break", "gone", native_enum=False), nullable=False),
        sa.Column("since_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("state IN ('present', 'break', 'gone')", name=op.f("ck_presence_known_state")),
        sa.ForeignKeyConstraint(["adviser_id"], ["adviser.id"], name=op.f("fk_presence_adviser_id")),
        sa.ForeignKeyConstraint(["opening_id"], ["opening.id"], name=op.f("fk_presence_opening_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_presence")),
        sa.UniqueConstraint("opening_id", "adviser_id", name=op.f("uq_presence_opening_id_adviser_id")),
    )
    op.create_table(
        "visit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("opening_id", sa.Integer(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("local_on", sa.Date(), nullable=False),
        sa.Column("kind", sa.Enum("appointment", "walk_in", native_enum=False), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "held",
                "booked",
                "waiting",
                "parked",
                "called",
                "in_consultation",
                "done",
                "cancelled",
                "missed",
                "left",
                "expired",
                "not_served",
                native_enum=False,
            ),
            nullable=False,
        ),
        sa.Column("age_group", sa.Enum("under_27", "from_27", "family", "unknown", native_enum=False), nullable=False),
        sa.Column("service_id", sa.Integer(), nullable=True),
        sa.Column("concern_id", sa.Integer(), nullable=True),
        sa.Column("language", sa.String(), nullable=True),
        sa.Column("locale", sa.String(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("ticket", sa.Integer(), nullable=True),
        sa.Column("starts_at", UtcDateTime(), nullable=True),
        sa.Column("ends_at", UtcDateTime(), nullable=True),
        sa.Column("planned_adviser_id", sa.Integer(), nullable=True),
        sa.Column("wished_adviser_id", sa.Integer(), nullable=True),
        sa.Column("code", sa.String(), nullable=True),
        sa.Column("link_epoch", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("arrived_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "(kind = 'appointment') = (starts_at IS NOT NULL)", name=op.f("ck_visit_appointment_has_start")
        ),
        sa.CheckConstraint(
            "age_group IN ('under_27', 'from_27', 'family', 'unknown')", name=op.f("ck_visit_known_age_group")
        ),
        sa.CheckConstraint("kind = 'appointment' OR ticket IS NOT NULL", name=op.f("ck_visit_walk_in_has_ticket")),
        sa.CheckConstraint("kind IN ('appointment', 'walk_in')", name=op.f("ck_visit_known_kind")),
        sa.CheckConstraint(
            "planned_adviser_id IS NULL OR state NOT IN ('cancelled', 'missed', 'expired')",
            name=op.f("ck_visit_ended_holds_nothing"),
        ),
        sa.CheckConstraint(
            "state IN ('held', 'booked', 'waiting', 'parked', 'called', 'in_consultation', 'done', 'cancelled', 'missed', 'left', 'expired', 'not_served')",
            name=op.f("ck_visit_known_state"),
        ),
        sa.CheckConstraint("(starts_at IS NULL) = (ends_at IS NULL)", name=op.f("ck_visit_start_has_end")),
        sa.CheckConstraint("people BETWEEN 1 AND 20", name=op.f("ck_visit_people_in_range")),
        sa.CheckConstraint("planned_adviser_id IS NULL OR starts_at IS NOT NULL", name=op.f("ck_visit_place_has_time")),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_visit_in_order")),
        sa.ForeignKeyConstraint(["concern_id"], ["concern.id"], name=op.f("fk_visit_concern_id")),
        sa.ForeignKeyConstraint(["opening_id"], ["opening.id"], name=op.f("fk_visit_opening_id")),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name=op.f("fk_visit_place_id")),
        sa.ForeignKeyConstraint(["planned_adviser_id"], ["adviser.id"], name=op.f("fk_visit_planned_adviser_id")),
        sa.ForeignKeyConstraint(["service_id"], ["service.id"], name=op.f("fk_visit_service_id")),
        sa.ForeignKeyConstraint(["wished_adviser_id"], ["adviser.id"], name=op.f("fk_visit_wished_adviser_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit")),
        sa.UniqueConstraint("code", name=op.f("uq_visit_code")),
        sa.UniqueConstraint("place_id", "local_on", "ticket", name=op.f("uq_visit_place_id_local_on_ticket")),
    )
    with op.batch_alter_table("visit", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_visit_ended_at"), ["ended_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_visit_local_on"), ["local_on"], unique=False)
        batch_op.create_index("ix_visit_opening_state", ["opening_id", "state"], unique=False)
        batch_op.create_index("ix_visit_planned", ["planned_adviser_id", "starts_at"], unique=False)
        batch_op.create_index(
            "ix_visit_holds_place",
            ["starts_at"],
            unique=False,
            sqlite_where=sa.text("planned_adviser_id IS NOT NULL"),
            postgresql_where=sa.text("planned_adviser_id IS NOT NULL"),
        )

    op.create_table(
        "consultation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("visit_id", sa.Integer(), nullable=False),
        sa.Column("adviser_id", sa.Integer(), nullable=False),
        sa.Column("carrier_id", sa.Integer(), nullable=False),
        sa.Column("station", sa.String(), nullable=False),
        sa.Column("called_at", UtcDateTime(), nullable=False),
        sa.Column("last_called_at", UtcDateTime(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column(
            "ended_as",
            sa.Enum("finished", "handed_over", "put_back", "missed", "left", "undone", "closed", native_enum=False),
            nullable=True,
        ),
        sa.Column("times_unreliable", sa.Boolean(), nullable=False),
        sa.Column("case_kind", sa.String(), nullable=True),
        sa.Column("family_members", sa.Integer(), nullable=True),
        sa.Column("topics", sa.JSON(), nullable=False),
        sa.Column("referred_from", sa.String(), nullable=True),
        sa.Column("referred_to", sa.JSON(), nullable=False),
        sa.Column("outcome_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "case_kind IN ('new', 'known_first', 'known_again', 'counselling', 'case_management')",
            name=op.f("ck_consultation_known_case_kind"),
        ),
        sa.CheckConstraint("(ended_at IS NULL) = (ended_as IS NULL)", name=op.f("ck_consultation_end_has_reason")),
        sa.CheckConstraint("family_members BETWEEN 0 AND 20", name=op.f("ck_consultation_family_in_range")),
        sa.ForeignKeyConstraint(["adviser_id"], ["adviser.id"], name=op.f("fk_consultation_adviser_id")),
        sa.ForeignKeyConstraint(["carrier_id"], ["carrier.id"], name=op.f("fk_consultation_carrier_id")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_consultation_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consultation")),
    )
    with op.batch_alter_table("consultation", schema=None) as batch_op:
        batch_op.create_index("ix_consultation_visit", ["visit_id"], unique=False)
        batch_op.create_index(
            "uq_consultation_open_adviser",
            ["adviser_id"],
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )
        batch_op.create_index(
            "uq_consultation_open_visit",
            ["visit_id"],
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )

    op.create_table(
        "contact",
        sa.Column("visit_id", sa.Integer(), nullable=False),
        sa.Column("email", Encrypted(), nullable=True),
        sa.Column("phone", Encrypted(), nullable=True),
        sa.Column("email_key", sa.String(), nullable=True),
        sa.Column("phone_key", sa.String(), nullable=True),
        sa.Column("reminders", sa.Boolean(), nullable=False),
        sa.Column("confirmed_at", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("email IS NOT NULL OR phone IS NOT NULL", name=op.f("ck_contact_not_empty")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_contact_visit_id")),
        sa.PrimaryKeyConstraint("visit_id", name=op.f("pk_contact")),
    )
    with op.batch_alter_table("contact", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_contact_email_key"), ["email_key"], unique=False)
        batch_op.create_index(batch_op.f("ix_contact_phone_key"), ["phone_key"], unique=False)

    op.create_table(
        "idempotency_key",
        sa.Column("key_hash", sa.String(), nullable=False),
        sa.Column("request_hash", sa.String(), nullable=False),
        sa.Column("visit_id", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_idempotency_key_visit_id")),
        sa.PrimaryKeyConstraint("key_hash", name=op.f("pk_idempotency_key")),
    )
    with op.batch_alter_table("idempotency_key", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_idempotency_key_created_at"), ["created_at"], unique=False)

    op.create_table(
        "message",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("visit_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Enum("confirmation", "reminder", "moved", "cancelled", native_enum=False), nullable=False),
        sa.Column("channel", sa.Enum("email", "sms", "call", native_enum=False), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.Enum("pending", "sent", "dropped", "dead", native_enum=False), nullable=False),
        sa.Column("claimed_until", UtcDateTime(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("sent_at", UtcDateTime(), nullable=True),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.CheckConstraint("channel IN ('email', 'sms', 'call')", name=op.f("ck_message_known_channel")),
        sa.CheckConstraint(
            "kind IN ('confirmation', 'reminder', 'moved', 'cancelled')", name=op.f("ck_message_known_kind")
        ),
        sa.CheckConstraint("state IN ('pending', 'sent', 'dropped', 'dead')", name=op.f("ck_message_known_state")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_message_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
        sa.UniqueConstraint(
            "visit_id", "kind", "channel", "sequence", name=op.f("uq_message_visit_id_kind_channel_sequence")
        ),
    )
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.create_index("ix_message_state_due", ["state", "due_at"], unique=False)

    op.create_table(
        "step",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("visit_id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("verb", sa.String(), nullable=False),
        sa.Column(
            "from_state",
            sa.Enum(
                "held",
                "booked",
                "waiting",
                "parked",
                "called",
                "in_consultation",
                "done",
                "cancelled",
                "missed",
                "left",
                "expired",
                "not_served",
                native_enum=False,
            ),
            nullable=True,
        ),
        sa.Column(
            "to_state",
            sa.Enum(
                "held",
                "booked",
                "waiting",
                "parked",
                "called",
                "in_consultation",
                "done",
                "cancelled",
                "missed",
                "left",
                "expired",
                "not_served",
                native_enum=False,
            ),
            nullable=False,
        ),
        sa.Column("actor", sa.Enum("client", "staff", "rule", native_enum=False), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("consultation_id", sa.Integer(), nullable=True),
        sa.Column("released_adviser_id", sa.Integer(), nullable=True),
        sa.Column("released_opening_id", sa.Integer(), nullable=True),
        sa.Column("released_starts_at", UtcDateTime(), nullable=True),
        sa.Column("undoes_step_id", sa.Integer(), nullable=True),
        sa.Column("by_rule", sa.Boolean(), nullable=False),
        sa.CheckConstraint("actor IN ('client', 'staff', 'rule')", name=op.f("ck_step_known_actor")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_step_account_id")),
        sa.ForeignKeyConstraint(["consultation_id"], ["consultation.id"], name=op.f("fk_step_consultation_id")),
        sa.ForeignKeyConstraint(["released_adviser_id"], ["adviser.id"], name=op.f("fk_step_released_adviser_id")),
        sa.ForeignKeyConstraint(["released_opening_id"], ["opening.id"], name=op.f("fk_step_released_opening_id")),
        sa.ForeignKeyConstraint(["undoes_step_id"], ["step.id"], name=op.f("fk_step_undoes_step_id")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_step_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_step")),
        sa.UniqueConstraint("undoes_step_id", name=op.f("uq_step_undoes_step_id")),
    )
    with op.batch_alter_table("step", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_step_visit_id"), ["visit_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("step", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_step_visit_id"))

    op.drop_table("step")
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.drop_index("ix_message_state_due")

    op.drop_table("message")
    with op.batch_alter_table("idempotency_key", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_idempotency_key_created_at"))

    op.drop_table("idempotency_key")
    with op.batch_alter_table("contact", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_contact_phone_key"))
        batch_op.drop_index(batch_op.f("ix_contact_email_key"))

    op.drop_table("contact")
    with op.batch_alter_table("consultation", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_consultation_open_visit",
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )
        batch_op.drop_index(
            "uq_consultation_open_adviser",
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )
        batch_op.drop_index("ix_consultation_visit")

    op.drop_table("consultation")
    with op.batch_alter_table("visit", schema=None) as batch_op:
        batch_op.drop_index("ix_visit_planned")
        batch_op.drop_index("ix_visit_opening_state")
        batch_op.drop_index(batch_op.f("ix_visit_local_on"))
        batch_op.drop_index(batch_op.f("ix_visit_ended_at"))

    op.drop_table("visit")
    op.drop_table("presence")
    op.drop_table("rota")
    op.drop_table("opening")
    with op.batch_alter_table("feed", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_feed_adviser_id"))

    op.drop_table("feed")
    op.drop_table("exception")
    op.drop_table("account_role")
    with op.batch_alter_table("absence", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_absence_adviser_id"))

    op.drop_table("absence")
    op.drop_table("ticket_counter")
    op.drop_table("hours")
    op.drop_table("closure")
    op.drop_table("adviser")
    op.drop_table("town")
    op.drop_table("topic")
    op.drop_table("service")
    op.drop_table("place")
    op.drop_table("concern")
    op.drop_table("carrier")
    op.drop_table("agency")
    op.drop_table("account")
