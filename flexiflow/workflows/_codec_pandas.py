"""Pack the single values of pandas: instants, durations, and what is missing."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["UNPACK", "pack_pandas"]

# Any in this module: pandas is optional, and untyped from here.


def pack_pandas(value: Any) -> dict[str, Any] | None:
    """Return a value of pandas as tagged data; None for all that is not one.

    An instant keeps its nanoseconds, its unit and its time zone.
    """
    pandas: Any = sys.modules.get("pandas")
    if pandas is None:
        return None
    if value is pandas.NaT or value is pandas.NA:
        return {"$type": "missing", "value": "NaT" if value is pandas.NaT else "NA"}
    if type(value) is pandas.Timedelta:
        # counted in its own unit: nothing is lost
        return {"$type": "Timedelta", "value": _count(value), "unit": value.unit}
    if type(value) is not pandas.Timestamp:
        return None
    zone = value.tz
    plain = value if zone is None else value.tz_convert("UTC").tz_localize(None)
    packed = {"$type": "Timestamp", "value": _count(plain), "unit": value.unit}
    return packed if zone is None else {**packed, "zone": str(zone)}


def _count(value: Any) -> int:
    """Return how many of its units an instant or a duration is."""
    return int(value.to_numpy().astype("int64"))


def _timestamp(data: Mapping[str, Any]) -> Any:
    pandas: Any = importlib.import_module("pandas")
    moment = pandas.Timestamp(data["value"], unit=data["unit"]).as_unit(data["unit"])
    if "zone" not in data:
        return moment
    return moment.tz_localize("UTC").tz_convert(data["zone"])


def _timedelta(data: Mapping[str, Any]) -> Any:
    pandas: Any = importlib.import_module("pandas")
    length = pandas.Timedelta(data["value"], unit=data["unit"])
    return length.as_unit(data["unit"])


def _missing(data: Mapping[str, Any]) -> Any:
    pandas: Any = importlib.import_module("pandas")
    return {"NaT": pandas.NaT, "NA": pandas.NA}[data["value"]]


UNPACK: Final[dict[object, Callable[[Mapping[str, Any]], Any]]] = {
    "missing": _missing,
    "Timedelta": _timedelta,
    "Timestamp": _timestamp,
}
"""How what was packed here is made into values, by its tag."""
