"""What a form brings: text that every database takes. No page asks for a file, so none is ever handed to a view."""

from __future__ import annotations

from typing import IO

from flask import Request
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.formparser import FormDataParser

NUL, SHOWN_INSTEAD = "\0", "\ufffd"
Parsed = tuple[IO[bytes], MultiDict[str, str], MultiDict[str, FileStorage]]


class PlainFields(FormDataParser):
    """Leaves files out: checks of text would fall over them. PostgreSQL refuses NUL in text, so it is replaced."""

    def parse(
        self, stream: IO[bytes], mimetype: str, content_length: int | None, options: dict[str, str] | None = None
    ) -> Parsed:
        rest, form, files = super().parse(stream, mimetype, content_length, options)
        for several in files.listvalues():
            for file in several:
                file.close()
        plain = [
            (name.replace(NUL, SHOWN_INSTEAD), value.replace(NUL, SHOWN_INSTEAD))
            for name, value in form.items(multi=True)
        ]
        return rest, self.cls(plain), self.cls()


class PlainRequest(Request):
    form_data_parser_class = PlainFields
