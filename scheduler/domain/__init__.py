"""The rules of consultation hours, pure: values in, values out. No Flask, no SQLAlchemy, no clock, no I/O."""
