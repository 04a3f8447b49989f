"""The jobs process, `python -m jobs`: what happens without a click. `timetable.py` lists all of it.

Each job is a thin shell round actions. Several processes may run at once: the database decides who does what.
"""
