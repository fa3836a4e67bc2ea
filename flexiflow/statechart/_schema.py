"""Give the JSON Schema that editors check configs with."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

__all__ = ["read_schema"]


def read_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a component's config, freshly read.

    Returns
    -------
    dict
        Any: a schema is JSON data of any shape. It accepts what the loader accepts,
        but knows no names: targets, references and functions are the loader's to
        check.
    """
    path = resources.files(__package__) / "flexiflow.schema.json"
    schema: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return schema
