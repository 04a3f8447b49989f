"""How Alembic runs here: on a connection that `scheduler.schema` hands over. There is no alembic.ini to keep."""

from alembic import context

from scheduler.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    user_module_prefix="",
)
with context.begin_transaction():
    context.run_migrations()
