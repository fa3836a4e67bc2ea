"""The functions that ``order.yaml`` names: a bank that plays along, and a support desk.

They are found through ``use: [shop.orders]``, when the folder of this package can be
imported: the command line sees to that for modules beside a config.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CardDeclinedError", "charge_card", "notify_support"]

ANSWER_S = 0.05
"""How long the bank thinks."""
BUSY_ATTEMPTS = 2
"""How often a busy bank fails to answer before it does."""


class CardDeclinedError(Exception):
    """The bank does not pay for this order."""


async def charge_card(order: str, context: Mapping[str, Any]) -> str:
    """Ask the bank for the money of an order.

    Parameters
    ----------
    order : str
        The order's number, from ``with``. One that begins with ``busy`` meets a bank
        that answers at the third attempt; ``declined`` meets one that never pays.
    context : mapping
        The chart's data; Any: JSON. FlexiFlow fills the parameter by its name.

    Returns
    -------
    str
        The number of the receipt.

    Raises
    ------
    ConnectionError
        If the bank does not answer this time.
    CardDeclinedError
        If it says no.
    """
    await asyncio.sleep(ANSWER_S)
    if order.startswith("declined"):
        raise CardDeclinedError(f"the bank does not pay for {order}")
    if order.startswith("busy") and context["attempts"] <= BUSY_ATTEMPTS:
        raise ConnectionError("the bank does not answer")
    return f"R-{order}"


def notify_support(context: Mapping[str, Any]) -> None:
    """Tell people that a parcel is late; Any: JSON."""
    print(f"support: order {context['order_id']} was not shipped within two days")
