"""What must never happen, refused by the database itself, whatever the code above it does.

No two visits hold the same adviser at overlapping times, and a step that was written stays as it is. And what must
never be forgotten: whoever changes a rule, by whatever way, sets the town's `rules_stamp` anew.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# The WHERE is needed: int4range(NULL, NULL) is unbounded and would collide with everybody.
_EXCLUDE = """
ALTER TABLE visit ADD CONSTRAINT ex_visit_one_place_per_adviser EXCLUDE USING gist (
    int4range(planned_adviser_id, planned_adviser_id, '[]') WITH &&,
    tstzrange(starts_at, ends_at) WITH &&
) WHERE (planned_adviser_id IS NOT NULL)
"""

_OVERLAPS = """
SELECT RAISE(ABORT, 'ex_visit_one_place_per_adviser') WHERE EXISTS (
    SELECT 1 FROM visit AS other
    WHERE other.planned_adviser_id = NEW.planned_adviser_id AND other.id <> NEW.id
      AND other.starts_at < NEW.ends_at AND NEW.starts_at < other.ends_at
      -- No appointment is longer than a day (refused below): so the index need not be read back to the first visit.
      AND other.starts_at > strftime('%Y-%m-%d %H:%M:%f', NEW.starts_at, '-1 day')
);
SELECT RAISE(ABORT, 'visit_within_a_day') WHERE julianday(NEW.ends_at) - julianday(NEW.starts_at) > 1;
"""

_RULE_TABLES = ("hours", "exception", "rota", "closure", "adviser", "service", "concern", "place", "absence")

_SQLITE_STAMPS = tuple(
    f"CREATE TRIGGER {table}_stamps_rules_{verb.split()[0].lower()} AFTER {verb} ON {table}"  # noqa: S608 - our own words
    " BEGIN UPDATE town SET rules_stamp = lower(hex(randomblob(16))); END"
    for table, verb in (
        *((table, verb) for table in _RULE_TABLES for verb in ("INSERT", "UPDATE", "DELETE")),
        ("town", "UPDATE OF timezone, state"),
    )
)

_POSTGRESQL_STAMPS = (
    "CREATE FUNCTION stamp_rules() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN UPDATE town SET rules_stamp = gen_random_uuid()::text; RETURN NULL; END $$",
    *(
        f"CREATE TRIGGER {table}_stamps_rules AFTER INSERT OR UPDATE OR DELETE ON {table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION stamp_rules()"
        for table in _RULE_TABLES
    ),
    "CREATE TRIGGER town_stamps_rules AFTER UPDATE OF timezone, state ON town"
    " FOR EACH STATEMENT EXECUTE FUNCTION stamp_rules()",
)

_SQLITE = (
    f"CREATE TRIGGER visit_one_place_insert AFTER INSERT ON visit WHEN NEW.planned_adviser_id IS NOT NULL"
    f" BEGIN {_OVERLAPS} END",
    f"CREATE TRIGGER visit_one_place_update AFTER UPDATE OF planned_adviser_id, starts_at, ends_at ON visit"
    f" WHEN NEW.planned_adviser_id IS NOT NULL BEGIN {_OVERLAPS} END",
    "CREATE TRIGGER step_only_appended BEFORE UPDATE ON step BEGIN SELECT RAISE(ABORT, 'step_only_appended'); END",
    *_SQLITE_STAMPS,
)

_POSTGRESQL = (
    _EXCLUDE,
    "ALTER TABLE visit ADD CONSTRAINT visit_within_a_day CHECK (ends_at - starts_at <= interval '1 day')",
    "CREATE FUNCTION refuse_update() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN RAISE EXCEPTION '% is only appended', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';"
    " END $$",
    "CREATE TRIGGER step_only_appended BEFORE UPDATE ON step FOR EACH ROW EXECUTE FUNCTION refuse_update()",
    *_POSTGRESQL_STAMPS,
)


def upgrade() -> None:
    statements = _POSTGRESQL if op.get_bind().dialect.name == "postgresql" else _SQLITE
    for statement in statements:
        op.execute(statement)
