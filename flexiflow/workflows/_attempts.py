"""Perform a step with options: attempts, time limits, fallback, rollback, and more."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from typing import TYPE_CHECKING, Any, Final, Protocol, final

from . import _values
from ._clocked import TimeLimit, pause_until
from ._delivering import deliver, finder_in, messages_of, outbox_for, records_of
from ._failures import is_interruption
from ._options import TaskMetadata, TaskOptions, accepts
from ._scope import SCOPE, Scope, source_id
from ._step import Named, Step, known_result
from .errors import (
    CodecError,
    ExecutionError,
    ExecutionTimeoutError,
    NonDeterminismError,
    RetryError,
    SchedulerLostError,
)
from .replay import STEP_WAITING

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._drive import Drive
    from ._outbox import Outbox
    from .context import ResourceRequest
    from .replay import Open

__all__ = ["Optioned", "Resources", "perform_with_options"]


class Optioned(Named, Protocol):
    """A task with its options."""

    options: TaskOptions


class Resources(Protocol):
    """What the runtime lends to steps."""

    def secrets(self, names: tuple[str, ...]) -> _values.Secrets:
        """Return secrets by name."""

    # Any: functions and values are the user's.
    async def execute(
        self,
        executor: str,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        *,
        resources: ResourceRequest | None = None,
        on_wait: Callable[[str], object] | None = None,
        outbox: Outbox | None = None,
    ) -> Any:
        """Call a function elsewhere."""

    def cached(
        self, function: Callable[..., Any], args: Any, kwargs: Any
    ) -> tuple[str, Any | None]:
        """Return the key of a call in the cache, and its hit or None."""

    def cache(self, key: str, value: Any) -> None:
        """Keep the result of a call."""


@final
class _Attempts:
    """One step with options, from its first attempt to its end."""

    __slots__ = (
        "args",
        "attempt",
        "drive",
        "error",
        "is_elsewhere",
        "key",
        "kwargs",
        "name",
        "options",
        "outbox",
        "phase",
        "secrets",
        "step",
        "task",
    )

    def __init__(
        self,
        task: Optioned,
        step: Step,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> None:
        self.task = task
        self.options = task.options
        self.step = step
        self.drive = step.drive
        self.key = step.key
        self.name = step.name
        self.args = args
        self.kwargs = kwargs
        self.attempt = 1
        self.phase = "attempt"
        self.error: BaseException | None = None
        self.secrets: _values.Secrets | None = None
        self.is_elsewhere = False
        self.outbox: Outbox | None = None

    # --- what happens -----------------------------------------------------------------

    def note(
        self, kind: str, value: Any = None, error: BaseException | None = None
    ) -> None:
        """Tell of something at once, without waiting for it to be stored."""
        if self.drive.dead:
            raise asyncio.CancelledError
        values = self.drive.values
        text = values.text_of(value) if error is None else values.error_text(error)
        self.drive.writing.push(self.step.record(kind, text))

    async def run(self) -> Any:
        """Return the result of the step, or raise what it failed with."""
        options = self.options
        if options.secret_requests:
            self.secrets = self.drive.host.resources.secrets(options.secret_requests)
            self.drive.values.lend(self.secrets)
        if self.phase == "attempt":
            try:
                return await self.try_all()
            except _Spent as spent:
                self.error = spent.error
        if self.phase == "attempt" and options.fallback is not None:
            self.phase = "fallback"
            self.note("TASK_FALLBACK_STARTED", self.told_error())
        if self.phase == "fallback":
            try:
                return await self.fall_back()
            except _Spent:
                pass
        error = self.error or ExecutionError(what=f"{self.name} failed")
        if options.rollback is not None:
            if self.phase != "rollback":
                self.note("TASK_ROLLBACK_STARTED", self.told_error())
            await self.roll_back(error)
        raise _Spent(error)

    def told_error(self) -> dict[str, Any]:
        """Return what a restart needs to know of the last error."""
        error = self.error
        return {"error": None if error is None else self.drive.values.clean(error)}

    # --- attempts ---------------------------------------------------------------------

    async def try_all(self) -> Any:
        """Call the function until it returns or may be called no more."""
        options, of = self.options, self.options.retry_max_attempts + 1
        while True:
            try:
                result = await self.try_once()
            except (NonDeterminismError, CodecError):
                raise
            except BaseException as error:
                if is_interruption(error):
                    raise
                if self.drive.dead:
                    raise asyncio.CancelledError from None
                if self.attempt > 1:
                    self.note("TASK_RETRY_FAILED", error=error)
                if self.attempt >= of:
                    raise _Spent(self.final(error)) from error
                self.attempt += 1
                await self.wait_for(options.delay_before(self.attempt), error)
            else:
                if self.attempt > 1:
                    self.note("TASK_RETRY_COMPLETED")
                return result

    def final(self, error: BaseException) -> BaseException:
        """Return what the step fails with after its last attempt."""
        retried = self.options.retry_max_attempts
        return RetryError(_cause(error), self.attempt, self.name) if retried else error

    async def wait_for(self, delay: float, error: BaseException) -> None:
        """Wait before an attempt; the wait is stored."""
        clock = self.drive.host.clock
        due = clock.time() + delay
        facts = {
            "attempt": self.attempt,
            "of": self.options.retry_max_attempts + 1,
            "delay": delay,
            "due": due,
        }
        self.error = error
        self.note("TASK_RETRY_STARTED", {**facts, **self.told_error()})
        await pause_until(clock, self.drive.lane.loop, due)

    async def try_once(self) -> Any:
        """Call the function within its time."""
        timeout = self.options.timeout
        scope = self.key if self.attempt == 1 else f"{self.key}/!{self.attempt}"
        call = self.call(self.task.func, scope, elsewhere=True)
        if not timeout:
            return await call
        try:
            async with TimeLimit(self.drive.host.clock, timeout):
                return await call
        except TimeLimit.Over:
            raise ExecutionTimeoutError(timeout, self.name) from None

    async def call(
        self, function: Callable[..., Any], scope: str, *, elsewhere: bool = False
    ) -> Any:
        """Call a function with the task's arguments and what it accepts besides."""
        kwargs = self.kwargs
        if elsewhere and isinstance(getattr(function, "options", None), TaskOptions):
            function = getattr(function, "func", function)  # a task of a task
        if self.secrets is not None and accepts(function, "secrets"):
            kwargs = {**kwargs, "secrets": self.secrets.values}
        if self.options.metadata and accepts(function, "metadata"):
            made = TaskMetadata(
                source_id(self.drive.live.id, self.key), self.name, self.attempt
            )
            kwargs = {**kwargs, "metadata": made}
        token = SCOPE.set(Scope(self.drive, f"{scope}/", is_body=False))
        try:
            if elsewhere and self.options.executor != "local":
                return await self._elsewhere(function, kwargs)
            result = function(*self.args, **kwargs)
            return await result if inspect.isawaitable(result) else result
        finally:
            SCOPE.reset(token)

    async def _elsewhere(
        self, function: Callable[..., Any], kwargs: dict[str, Any]
    ) -> Any:
        """Call a function in another thread or process."""
        self.is_elsewhere = True
        self.outbox = outbox_for(self.options)
        try:
            return await self.drive.host.resources.execute(
                self.options.executor,
                function,
                self.args,
                kwargs,
                resources=self.options.resources,
                on_wait=self._on_wait,
                outbox=self.outbox,
            )
        except SchedulerLostError as error:
            # Not the step has failed: it is under way, and the execution goes on later.
            self.drive.lose(error)
            raise asyncio.CancelledError from error
        except (KeyboardInterrupt, GeneratorExit) as error:
            # Raised there; here it would be taken for a wish of the user's.
            raise ExecutionError(error) from error
        finally:
            self.is_elsewhere = False

    def _on_wait(self, reason: str) -> None:
        """Hear why the call does not begin; called in any thread."""
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self.drive.lane.loop.call_soon_threadsafe(self._note_wait, reason)

    def _note_wait(self, reason: str) -> None:
        """Tell why the step waits; of a mapped task once for all items."""
        drive = self.drive
        if not self.is_elsewhere or drive.dead or drive.ended:
            return
        mapped = self.key.rpartition("/")[0]
        key = mapped if mapped in drive.mapped else self.key
        if drive.reasons.get(key, "") == reason:
            return
        drive.reasons[key] = reason
        text = _values.text_of(reason)
        drive.writing.push(
            drive.writing.record(STEP_WAITING, key, self.name, value=text)
        )

    # --- afterwards -------------------------------------------------------------------

    async def fall_back(self) -> Any:
        """Return what the fallback gives."""
        fallback = self.options.fallback
        if fallback is None:
            raise _Spent(self.error)
        try:
            result = await self.call(fallback, f"{self.key}/!f")
            text = self.result_text(result)
        except NonDeterminismError:
            raise
        except BaseException as error:
            if is_interruption(error):
                raise
            self.note("TASK_FALLBACK_FAILED", error=error)
            if self.error is not None:
                self.error.add_note(f"The fallback failed too: {error!r}")
            raise _Spent(self.error) from error
        self.drive.writing.push(self.step.record("TASK_FALLBACK_COMPLETED", text))
        return result

    async def roll_back(self, error: BaseException) -> None:
        """Undo what the task did; whether that works or not, the error goes on."""
        rollback = self.options.rollback
        if rollback is None:
            return
        try:
            await self.call(rollback, f"{self.key}/!r")
        except NonDeterminismError:
            raise
        except BaseException as failed:
            if is_interruption(failed):
                raise
            self.note("TASK_ROLLBACK_FAILED", error=failed)
            error.add_note(f"The rollback failed too: {failed!r}")
        else:
            self.note("TASK_ROLLBACK_COMPLETED")

    def result_text(self, result: Any) -> str | None:
        """Return a result as the journal holds it.

        Raises
        ------
        CodecError
            If it cannot be stored, or holds a secret.
        """
        storage = self.options.output_storage
        text = self.drive.values.text_of(result)
        return text if storage is None or text is None else storage.keep(text)

    # --- after a restart --------------------------------------------------------------

    async def take_up(self, opened: Open) -> None:
        """Go on where the process died."""
        for record in opened.records:
            kind = record.kind
            # Any: facts that this class has written itself.
            facts: Any = _values.value_of(record.value) if record.value else None
            if kind == "TASK_RETRY_STARTED":
                self.attempt, self.error = facts["attempt"], facts["error"]
            elif kind == "TASK_FALLBACK_STARTED":
                self.phase, self.error = "fallback", facts["error"]
            elif kind == "TASK_ROLLBACK_STARTED":
                self.phase, self.error = "rollback", facts["error"]
        last = opened.last()
        if last.kind == "TASK_RETRY_STARTED":
            due = _values.value_of(last.value or "")["due"]
            await pause_until(self.drive.host.clock, self.drive.lane.loop, due)
        elif last.kind == "TASK_RETRY_FAILED":
            await self.take_up_failed(_values.error_of(last.value or ""))
        elif last.kind == "TASK_FALLBACK_FAILED":
            self.phase = "fallen"
        elif last.kind in {"TASK_ROLLBACK_COMPLETED", "TASK_ROLLBACK_FAILED"}:
            raise _Spent(self.error)

    async def take_up_failed(self, error: BaseException) -> None:
        """Go on after an attempt that failed just before the process died."""
        if self.attempt > self.options.retry_max_attempts:
            self.error = self.final(error)
            self.phase = "fallback" if self.options.fallback else "fallen"
            if self.phase == "fallback":
                self.note("TASK_FALLBACK_STARTED", self.told_error())
            return
        self.attempt += 1
        await self.wait_for(self.options.delay_before(self.attempt), error)


@final
class _Spent(Exception):  # noqa: N818 - a signal within this module
    """Nothing is left to be tried."""

    def __init__(self, error: BaseException | None) -> None:
        super().__init__()
        self.error: Final = error or ExecutionError()


def _cause(error: BaseException) -> BaseException:
    """Return what lies under an error of a task."""
    inner = getattr(error, "inner_exception", None)
    return inner if isinstance(inner, BaseException) else error


async def perform_with_options(
    task: Optioned,
    drive: Drive,
    key: str,
    args: tuple[Any, ...],
    *,
    kwargs: dict[str, Any],
) -> Any:
    """Perform a step as its options say; return its result.

    Raises
    ------
    ExecutionError
        If it fails for good.
    NonDeterminismError
        If another step was called here in the first run.
    """
    name, options = task.name, task.options
    digest = _values.digest_of(args, kwargs)
    known = drive.recorded.ended.pop(key, None)
    if known is not None:
        storage = options.output_storage
        result = await known_result(drive, known, name, digest, storage=storage)
        left = drive.recorded.messages.pop(key, None)
        if left:
            step = Step(drive, key, name, digest)
            find = finder_in(task.func, args, kwargs)
            await deliver(step, messages_of(left), find)
        return result
    opened = drive.recorded.open.pop(key, None)
    step = Step(drive, key, name, digest)
    attempts = _Attempts(task, step, args, kwargs)
    step.begin(opened, _facts(options))
    try:
        if drive.is_careful:
            await drive.writing.commit()
        try:
            if opened is not None:
                await attempts.take_up(opened)
            result, text = await _result(attempts, options)
        except _Spent as spent:
            raise spent.error from spent.error.__cause__
        outbox = attempts.outbox
        await step.finish(text, *records_of(step, outbox))
    except BaseException as error:
        if is_interruption(error):
            step.give_up(error)
            raise
        told = drive.values.clean(error)
        raise await step.fail(told) from told
    finally:
        drive.leave(key)
    if outbox is not None and outbox.sent:
        await deliver(step, outbox.sent, outbox.addressees.find)
    if options.output_storage is None:
        result = drive.values.as_stored(result, text)
    return result


async def _result(steps: _Attempts, options: TaskOptions) -> tuple[Any, str | None]:
    """Return the result of a step, and its text; from the cache if it is there."""
    if not options.cache:
        result = await steps.run()
        return result, steps.result_text(result)
    resources = steps.drive.host.resources
    function = steps.task.func
    cache_key, hit = resources.cached(function, steps.args, steps.kwargs)
    if hit is not None:
        return hit.value, steps.result_text(hit.value)
    result = await steps.run()
    text = steps.result_text(result)
    resources.cache(cache_key, result)
    return result, text


def _facts(options: TaskOptions) -> str | None:
    """Return what a view wants to know of a step when it begins."""
    facts: dict[str, Any] = {}
    if options.retry_max_attempts:
        facts["retry_max_attempts"] = options.retry_max_attempts
    if options.executor != "local":
        facts["executor"] = options.executor
    return _values.text_of(facts) if facts else None
