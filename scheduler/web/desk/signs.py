"""Signs for the stations: a sheet each with the picture and the name that the board shows when it calls somebody."""

from __future__ import annotations

from flask import render_template, url_for
from flask.typing import ResponseReturnValue

from scheduler.web.desk.blueprint import pages
from scheduler.web.login import desk_place


@pages.get("/signs")
def show_signs() -> ResponseReturnValue:
    return render_template("desk/signs.html", place=desk_place(), back=url_for("desk.show_desk"))
