"""What forms and addresses may hold."""

from __future__ import annotations

from typing import Annotated

from fastapi import File, Form, Path, Query, UploadFile

LARGEST_ID = 2**31 - 1
"""Of a row in PostgreSQL; a larger number in an address names nothing."""

Text = Annotated[str, Form(max_length=1000, pattern=r"^[^\x00]*$")]
"""A line of text; PostgreSQL keeps no zero bytes."""

Count = Annotated[int, Form(ge=1, le=1_000_000)]
"""How many of something are allowed."""

Id = Annotated[int, Path(ge=1, le=LARGEST_ID)]
"""Number of a row, in an address."""

IdQuery = Annotated[int | None, Query(ge=1, le=LARGEST_ID)]
"""Number of a row, after an address."""

Upload = Annotated[UploadFile | None, File()]
"""A file; its name is never looked at."""

ApiFile = Annotated[UploadFile, File(description="CSV, as the page on data and format says.")]
"""A file that must be given."""

ModelName = Annotated[
    str,
    Form(
        min_length=1,
        max_length=80,
        pattern=r"^[^\x00]*$",
        description="What the board shows below your team.",
    ),
]
"""What a team calls its model."""
