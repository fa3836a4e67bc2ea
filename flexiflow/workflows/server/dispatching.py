"""Hand executions to workers as Dask tasks, each as soon as one fits."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol, final

from ...errors import FlexiFlowError
from .._taking import load
from ..errors import WorkflowNotFoundError
from ._cluster import Cluster, Present
from ._fit import SLOTS, needs_of, resources_of
from ._places import TAKEN, Order, Place, choose
from .dispatch import WorkerInfo
from .requests import answer, ask_to_end, scheduled_version

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..context import ResourceRequest
    from ..journal import Journal
    from ._roster import Member, Roster
    from .scheduler import SchedulerPlace

__all__ = ["DaskDispatcher"]

_log: Final = logging.getLogger("flexiflow.workflows.server")

_BEAT_S: Final = 0.5
"""Seconds between two looks at the workers when nothing is heard of them."""
_QUICK_S: Final = 0.05
"""The same while there is something to hand out and a place may be free."""
_SWEEP_S: Final = 2.0
"""Seconds between two looks for executions that nobody has."""
_UNSEEN_S: Final = 2.0
"""Seconds until a task must have been seen at a worker."""
_OPEN: Final = ("CREATED", "SCHEDULED", "CLAIMED", "RUNNING", "RESUMING", "CANCELLING")
"""States in which a worker has to be at work, or to begin."""
_ORPHANED, _ANSWERED, _NEW = range(3)
_RANKS: Final = {"CREATED": _NEW, "SCHEDULED": _ANSWERED}
"""What comes first: who has waited longest for an end, not for a beginning."""
_LONGEST_REST_S: Final = 60.0


class _Codes(Protocol):
    """What is asked of the catalogue."""

    # Any: an entry; of it ``requests`` is read.
    def code(self, name: str, version: int | None = None) -> Any:
        """Return a version of a workflow, the newest by default."""


@final
@dataclass(slots=True)
class _Given:
    """An execution that Dask has."""

    order: Order
    future: Any  # of an optional package
    workers: tuple[str, ...]
    """The addresses that it was given to; Dask chooses among them."""
    seen: bool = False
    """Whether it has been seen at a worker."""
    heard: float = field(default_factory=time.monotonic)
    """When it was given, or seen last."""


@final
class DaskDispatcher:
    """Hands out what lies in the journal, and hands it out again when it is lost.

    Parameters
    ----------
    journal : Journal
        Where the executions are; not closed with it.
    codes : object
        The catalogue: ``code(name, version)`` tells what a workflow asks for.
    roster : Roster
        The workers that have registered.
    scheduler : SchedulerPlace
        Where Dask's scheduler is; closed with it.
    tls : mapping of str to str, optional
        Files of Dask's ``Security``, as the scheduler's.

    Notes
    -----
    A thread of its own talks to Dask. Executions wait here until a worker that fits has
    a place, so that it can be said why they wait; Dask then chooses among those that
    have one, and takes another of them when that dies. What no task has any more is
    found in the journal and handed out again. The journal alone decides who may run an
    execution: one that is given out twice runs once.
    """

    def __init__(
        self,
        journal: Journal,
        codes: _Codes,
        roster: Roster,
        scheduler: SchedulerPlace,
        *,
        tls: Mapping[str, str] | None = None,
    ) -> None:
        self._journal = journal
        self._codes = codes
        self._roster = roster
        self._scheduler = scheduler
        self._tls = dict(tls or {})
        self._lock = threading.RLock()
        self._waiting: dict[str, Order] = {}
        self._given: dict[str, _Given] = {}
        self._stopped: deque[tuple[str, Any]] = deque()
        self._failures: Counter[str] = Counter()
        self._present: dict[str, Present] = {}
        self._cluster: Cluster | None = None
        self._trouble = "The scheduler is being started."
        self._next_look = 0.0
        self._next_sweep = 0.0
        self._wake = threading.Event()
        self._is_closed = False
        roster.listen(self._wake.set)
        self._thread = threading.Thread(
            target=self._serve, name="flexiflow dispatcher", daemon=True
        )
        self._thread.start()

    # --- what the server asks ---------------------------------------------------------

    def submit(
        self,
        execution_id: str,
        workflow: str,
        version: int | None,
        *,
        requests: ResourceRequest | None = None,
        resume: tuple[str | None, str | None] | None = None,
    ) -> None:
        """Hand out an execution, now or as soon as a worker is there that fits."""
        if resume is not None:
            outer = answer(self._journal, execution_id, *resume)
            if outer != execution_id:
                self._take(outer)
                return
        rank = _NEW if resume is None else _ANSWERED
        self._put(execution_id, workflow, version, requests, rank=rank)

    def cancel(self, execution_id: str) -> None:
        """Ask for the end of an execution, wherever it is."""
        if ask_to_end(self._journal, execution_id):
            self._take(execution_id)
            return
        with self._lock:
            order = self._waiting.pop(execution_id, None)
        if order is None:
            self._wake.set()

    def reason(self, execution_id: str) -> str:
        """Return why an execution still waits for a worker; empty when it does not."""
        with self._lock:
            order = self._waiting.get(execution_id)
            return "" if order is None else order.reason

    def workers(self) -> list[WorkerInfo]:
        """Return the workers that have registered and not said goodbye, by name."""
        with self._lock:
            present = {found.name: found for found in self._present.values()}
        return [
            _info(member, present.get(member.name)) for member in self._roster.all()
        ]

    def close(self) -> None:
        """Hand out nothing more; what runs on workers goes on. Twice is harmless."""
        self._is_closed = True
        self._wake.set()
        if self._thread is not threading.current_thread():
            self._thread.join()
        self._scheduler.close()

    # --- orders -----------------------------------------------------------------------

    def _put(
        self,
        execution_id: str,
        workflow: str,
        version: int | None,
        requests: ResourceRequest | None,
        *,
        rank: int,
    ) -> None:
        """Take an order, unless it is here already."""
        order = Order(
            execution_id,
            workflow,
            version,
            needs_of(requests),
            () if requests is None else tuple(requests.packages),
            rank,
        )
        failures = self._failures[execution_id]
        if failures:
            rest = min(2.0 ** (failures - 1), _LONGEST_REST_S)
            order.not_before = time.monotonic() + rest
        with self._lock:
            if execution_id not in self._given:
                self._waiting.setdefault(execution_id, order)
        self._wake.set()

    def _take(self, execution_id: str) -> None:
        """Take an execution of the journal that says itself what it is."""
        stored = load(self._journal, execution_id)
        if not stored.is_at_rest:
            version = scheduled_version(stored)
            workflow = stored.execution.workflow
            requests = self._asked(workflow, version)
            self._put(execution_id, workflow, version, requests, rank=_ANSWERED)

    def _asked(self, workflow: str, version: int | None) -> ResourceRequest | None:
        """Return what a workflow asks for."""
        try:
            found: ResourceRequest | None = self._codes.code(workflow, version).requests
        except WorkflowNotFoundError:
            return None  # the worker says so, in the execution itself
        return found

    # --- the thread -------------------------------------------------------------------

    def _serve(self) -> None:
        """Hand out, look, and hand out again, until it is closed."""
        while not self._is_closed:
            try:
                busy = self._beat()
            except FlexiFlowError as error:
                busy = self._in_trouble(f"{error.what}. {error.why}")
            except OSError as error:
                busy = self._in_trouble(f"The scheduler does not answer: {error}.")
            except Exception as error:  # noqa: BLE001 - told, and tried again
                _log.exception("handing out executions failed")
                busy = self._in_trouble(f"{type(error).__name__}: {error}")
            self._wake.wait(_QUICK_S if busy else _BEAT_S)
            self._wake.clear()
        self._let_go()

    def _in_trouble(self, why: str) -> bool:
        """Remember why nothing can be handed out; begin anew at the next beat."""
        if why != self._trouble:
            _log.warning("no execution can be handed out: %s", why)
        self._trouble = why
        self._let_go()
        with self._lock:
            for order in self._waiting.values():
                order.reason = why
        return False

    def _let_go(self) -> None:
        """Forget the scheduler and what was given to it."""
        cluster, self._cluster = self._cluster, None
        if cluster is not None:
            cluster.close()
        with self._lock:
            self._given.clear()
            self._present = {}
        self._stopped.clear()

    def _beat(self) -> bool:
        """Do what there is to do; return whether there may be more at once."""
        cluster = self._connected()
        now = time.monotonic()
        lost = self._drop_stopped()
        if now >= self._next_look or (
            self._waiting and now >= self._next_look - _BEAT_S + _QUICK_S
        ):
            self._next_look = now + _BEAT_S
            lost = self._look(cluster) or lost
        if lost or now >= self._next_sweep:
            self._next_sweep = now + _SWEEP_S
            self._sweep()
        return self._hand_out(cluster)

    def _connected(self) -> Cluster:
        """Return the line to the scheduler that runs now."""
        address = self._scheduler.address()
        cluster = self._cluster
        if cluster is not None and (cluster.address != address or cluster.is_lost()):
            self._in_trouble("The line to the scheduler broke.")
            cluster = None
        if cluster is None:
            cluster = self._cluster = Cluster(address, self._tls)
            self._trouble = ""
            self._next_look = self._next_sweep = 0.0
        return cluster

    def _drop_stopped(self) -> bool:
        """Forget tasks that have ended; return whether one of them went wrong."""
        is_wrong = False
        while self._stopped:
            execution_id, future = self._stopped.popleft()
            with self._lock:
                given = self._given.get(execution_id)
                if given is None or given.future is not future:
                    continue
                del self._given[execution_id]
                for found in self._present.values():
                    found.executions.discard(execution_id)
            if future.status == "finished":
                self._failures.pop(execution_id, None)
                continue
            is_wrong = True
            if future.status != "error":
                continue  # its worker or the scheduler was lost
            self._failures[execution_id] += 1
            error = future.exception(timeout=1)
            _log.warning("the task of %s failed on a worker: %s", execution_id, error)
        return is_wrong

    def _look(self, cluster: Cluster) -> bool:
        """See who is there; return whether something was lost with who is not."""
        present = {found.address: found for found in cluster.present()}
        lost: list[_Given] = []
        now = time.monotonic()
        with self._lock:
            self._present = present
            at_work = {one for found in present.values() for one in found.executions}
            for execution_id, given in list(self._given.items()):
                if execution_id in at_work:
                    given.seen, given.heard = True, now
                elif _is_stuck(given) and (
                    now - given.heard > _UNSEEN_S
                    or not any(address in present for address in given.workers)
                ):
                    lost.append(self._given.pop(execution_id))
        for given in lost:
            given.future.cancel()
        return bool(lost)

    def _sweep(self) -> None:
        """Take what lies in the journal and what nobody has."""
        alive: dict[str, bool] = {}
        for row in reversed(self._journal.executions(states=_OPEN, parent="")):
            with self._lock:
                if row.id in self._waiting or row.id in self._given:
                    continue
            rank = _RANKS.get(row.state, _ORPHANED)
            if rank == _ORPHANED:
                if row.owner not in alive:
                    alive[row.owner] = self._journal.is_alive(row.owner)
                if alive[row.owner]:
                    continue
            stored = load(self._journal, row.id)
            version = scheduled_version(stored)
            if version is not None and not stored.is_at_rest:
                requests = self._asked(row.workflow, version)
                self._put(row.id, row.workflow, version, requests, rank=rank)

    # --- handing out ------------------------------------------------------------------

    def _hand_out(self, cluster: Cluster) -> bool:
        """Give out all that fits somewhere now; return whether more may soon."""
        with self._lock:
            orders = sorted(self._waiting.values(), key=lambda order: order.rank)
        if not orders:
            return False
        places = self._places()
        now = time.monotonic()
        full: dict[tuple[object, ...], str] = {}
        is_busy = False
        for order in orders:
            if order.not_before > now:
                order.reason = "Its task failed on a worker; it is tried again soon."
                continue
            if order.kind not in full:
                chosen, reason = choose(places, order)
                if chosen:
                    self._give(cluster, order, chosen)
                    continue
                full[order.kind] = reason
                is_busy = is_busy or reason.startswith(TAKEN)
            order.reason = full[order.kind]
        return is_busy

    def _places(self) -> list[Place]:
        """Return the workers that can be given something, with what is free there."""
        places = []
        with self._lock:
            unseen = [given for given in self._given.values() if not given.seen]
            for info in self.workers():
                found = next(
                    (one for one in self._present.values() if one.name == info.name),
                    None,
                )
                if found is None or not found.running:
                    continue
                place = Place(info, found.address, resources_of(info))
                for execution_id in found.executions:
                    given = self._given.get(execution_id)
                    place.take({SLOTS: 1} if given is None else given.order.needs)
                for given in unseen:
                    if found.address in given.workers:
                        place.take(given.order.needs)  # it may be there, unseen
                places.append(place)
        return places

    def _give(self, cluster: Cluster, order: Order, chosen: list[Place]) -> None:
        """Give an execution to Dask."""
        addresses = tuple(place.address for place in chosen)
        with self._lock:
            if self._waiting.pop(order.execution_id, None) is None:
                return  # it was cancelled meanwhile
            future = cluster.submit(
                order.execution_id,
                order.workflow,
                order.version,
                workers=addresses,
                needs=order.needs,
            )
            self._given[order.execution_id] = _Given(order, future, addresses)
        for place in chosen:
            place.take(order.needs)

        def on_done(future: Any, execution_id: str = order.execution_id) -> None:
            self._stopped.append((execution_id, future))
            self._wake.set()

        future.add_done_callback(on_done)


def _is_stuck(given: _Given) -> bool:
    """Return whether Dask has a task and gives it to nobody."""
    status: str = given.future.status
    return status == "pending"


def _info(member: Member, present: Present | None) -> WorkerInfo:
    """Return what is known of a worker."""
    return WorkerInfo(
        name=member.name,
        connected=present is not None and present.running,
        python=member.python,
        platform=member.platform,
        cpu=member.cpu,
        memory=member.memory,
        gpu=member.gpu,
        packages=member.packages,
        slots=member.slots,
        executions=() if present is None else tuple(sorted(present.executions)),
        registered=member.registered,
    )
