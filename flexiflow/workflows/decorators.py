"""Make tasks and workflows of async functions."""

from __future__ import annotations

import functools
from typing import (
    TYPE_CHECKING,
    Any,
    Final,
    Generic,
    ParamSpec,
    TypeVar,
    final,
    overload,
)

from ._attempts import perform_with_options
from ._branches import check_limit, perform_map
from ._children import call_child
from ._definition import CATALOGUE, Definition, check_function, name_of
from ._options import ExecutorName, OutputStorage, TaskMetadata, TaskOptions
from ._scope import SCOPE, enter_scope
from ._step import perform
from .context import ExecutionContext
from .runtime import get_runtime

if TYPE_CHECKING:
    from collections.abc import (
        Awaitable,
        Callable,
        Coroutine,
        Iterable,
        Mapping,
        Sequence,
    )

    from .context import ResourceRequest
    from .handle import Run

__all__ = ["Task", "TaskMetadata", "Workflow", "task", "workflow"]

_scope: Final = SCOPE.get

P = ParamSpec("P")
R = TypeVar("R")


@final
class Task(Generic[P, R]):
    """A function whose calls are steps of an execution.

    Parameters
    ----------
    func : callable
        The function, async or plain.
    options : TaskOptions
        What was said about it.

    Notes
    -----
    A call gives a coroutine. Its place in the execution, by which a replay finds its
    result, is taken when it is called, not when it is awaited.
    """

    # Any: overloads of `task` say what the function returns.
    def __init__(self, func: Callable[..., Any], options: TaskOptions) -> None:
        check_function(func, "task")
        # first, for it brings along all attributes of an object
        functools.update_wrapper(self, func)
        self.func = func
        self.options = options
        self.name = options.name or name_of(func)
        self._perform: Callable[..., Coroutine[Any, Any, Any]] = (
            perform if options.is_plain else perform_with_options
        )

    func: Callable[..., Any]
    """The plain function."""
    options: TaskOptions
    """What was said about it."""
    name: str
    """What events and views call it."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, R]:
        """Call it as a step; the coroutine gives its result.

        Raises
        ------
        ExecutionContextNotFoundError
            If it is called outside of a workflow.
        NonDeterminismError
            If it is called where no replay could find it again.
        """
        scope = _scope()
        if scope is None or scope.is_stray or not scope.is_here():
            scope = enter_scope(self.name)
        return self._perform(self, scope.drive, scope.next_key(), args, kwargs=kwargs)

    def map(
        self,
        items: Iterable[Any],
        *,
        limit: int | None = None,
        return_exceptions: bool = False,
    ) -> Coroutine[Any, Any, list[R]]:
        """Call it for each item, side by side; the coroutine gives all results.

        Parameters
        ----------
        items : iterable
            The argument of each call.
        limit : int, optional
            How many calls may be under way at once; by default all of them, but 1,000
            of a task with an executor, where the others would only wait. For more
            workers than that give a larger one.
        return_exceptions : bool, default False
            Whether errors stand among the results; else the first failure cancels the
            other calls, waits for them, and is raised.

        Returns
        -------
        coroutine of list
            The results in the order of the items.
        """
        if limit is not None:
            check_limit(limit)
        scope = enter_scope(self.name)
        return perform_map(
            self,
            self._perform,
            scope.drive,
            scope.next_key(),
            items=list(items),
            limit=limit,
            keep_errors=return_exceptions,
        )

    def __get__(self, owner: object, kind: type | None = None) -> Any:
        """Bind it to an object, as a method is."""
        if owner is None:
            return self
        bound: Task[Any, Any] = Task(self.func.__get__(owner, kind), self.options)
        return bound

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the function and its options."""
        return Task, (self.func, self.options)

    def __repr__(self) -> str:
        return f"<Task {self.name!r}>"


@final
class _TaskDecorator:
    """Makes tasks: ``@task``, or ``@task.with_options(...)``."""

    @overload
    def __call__(self, func: Callable[P, Coroutine[Any, Any, R]]) -> Task[P, R]: ...
    @overload
    def __call__(self, func: Callable[P, R]) -> Task[P, R]: ...
    def __call__(self, func: Callable[..., Any]) -> Task[..., Any]:
        """Make a task of a function."""
        return Task(func, TaskOptions())

    def with_options(
        self,
        *,
        name: str | None = None,
        retry_max_attempts: int = 0,
        retry_delay: float = 1,
        retry_backoff: float = 2,
        timeout: float = 0,
        fallback: Callable[..., Any] | None = None,
        rollback: Callable[..., Any] | None = None,
        secret_requests: Sequence[str] = (),
        cache: bool = False,
        metadata: bool = False,
        output_storage: OutputStorage | None = None,
        executor: ExecutorName = "local",
        resources: ResourceRequest | Mapping[str, Any] | None = None,
    ) -> _TaskDecorator.Made:
        """Return a decorator that makes tasks with options.

        Parameters
        ----------
        name : str, optional
            What events and views call it; the function's name by default.
        retry_max_attempts : int, default 0
            How often it is tried again after the first call.
        retry_delay : float, default 1
            Seconds before the first retry.
        retry_backoff : float, default 2
            What the wait is multiplied by after each retry; no wait exceeds 600 s.
        timeout : float, default 0
            Seconds that each attempt may take; 0: as many as it needs.
        fallback : callable, optional
            Called with the task's arguments after the last attempt; gives the result.
        rollback : callable, optional
            Called once with the task's arguments before the task fails for good.
        secret_requests : sequence of str
            The secrets it gets as the keyword ``secrets``.
        cache : bool, default False
            Whether the result for the same code and arguments is used again. The code
            is that of the function and of all functions and classes that it names and
            that are not installed, with the constants among their globals, defaults
            and variables from around, and the value of the object of a method. Lists
            and dicts of the module, what is imported within, installed packages,
            files and the environment are not seen: pass what counts as an argument.
        metadata : bool, default False
            Whether it gets a :class:`TaskMetadata` as the keyword ``metadata``.
        output_storage : OutputStorage, optional
            Where its results are kept instead of in the journal.
        executor : {"local", "thread", "process", "dask"}, default "local"
            Where it runs: in the loop, in a thread or a process of this machine, or on
            the workers of a Dask cluster (:func:`flexiflow.workflows.use_dask`).
        resources : ResourceRequest or mapping of its fields, optional
            What it needs of a machine, where there are several: with
            ``executor="dask"`` it waits for a worker that has that.
        """
        return _TaskDecorator.Made(
            TaskOptions(
                name=name,
                retry_max_attempts=retry_max_attempts,
                retry_delay=retry_delay,
                retry_backoff=retry_backoff,
                timeout=timeout,
                fallback=fallback,
                rollback=rollback,
                secret_requests=secret_requests,  # type: ignore[arg-type] # made one
                cache=cache,
                metadata=metadata,
                output_storage=output_storage,
                executor=executor,
                resources=resources,
            )
        )

    @final
    class Made:
        """A decorator with options."""

        def __init__(self, options: TaskOptions) -> None:
            self._options = options

        @overload
        def __call__(self, func: Callable[P, Coroutine[Any, Any, R]]) -> Task[P, R]: ...
        @overload
        def __call__(self, func: Callable[P, R]) -> Task[P, R]: ...
        def __call__(self, func: Callable[..., Any]) -> Task[..., Any]:
            """Make a task of a function."""
            return Task(func, self._options)


task: Final = _TaskDecorator()
"""Make a task of a function: ``@task``, or ``@task.with_options(...)``."""


@final
class Workflow(Generic[R]):
    """An async function whose runs are executions.

    Parameters
    ----------
    definition : Definition
        The function, its name and what was said about it.
    """

    # Any: the overloads of `workflow` say what the body returns.
    def __init__(self, definition: Definition) -> None:
        functools.update_wrapper(self, definition.func)
        self.definition = definition
        self.name = definition.name
        self.func = definition.func

    definition: Definition
    """What the runtime knows of it."""
    name: str
    """The name under which its executions are stored."""
    func: Callable[..., Any]
    """The plain function."""

    def run(
        self, input: Any = None, *, execution_id: str | None = None
    ) -> ExecutionContext[Any]:
        """Run an execution, and wait until it ends or pauses; works everywhere.

        Parameters
        ----------
        input : Any, optional
            What the body finds as ``ctx.input``.
        execution_id : str, optional
            Go on with that execution after a crash instead, or get it as it is.

        Returns
        -------
        ExecutionContext
            The execution. An error of the body is no error here: the state is FAILED,
            and the error in ``output``.

        Raises
        ------
        ExecutionContextNotFoundError
            If there is no execution of that id.
        ExecutionOwnedError
            If a living process is at work on it.
        CodecError
            If the input cannot be stored.

        Notes
        -----
        The body runs in the runtime's own thread, with a copy of the caller's context;
        the caller's loop stands still meanwhile. ``KeyboardInterrupt`` cancels the
        execution, and is raised when that has ended.
        """
        runtime = get_runtime()
        if execution_id is None:
            return runtime.run(self.definition, input)
        context: ExecutionContext[Any] = runtime.run_again(
            self.definition, execution_id
        )
        return context

    def start(self, input: Any = None, *, execution_id: str | None = None) -> Run[Any]:
        """Begin an execution in the running loop, and return its handle.

        Parameters
        ----------
        input : Any, optional
            What the body finds as ``ctx.input``.
        execution_id : str, optional
            The id that it gets. If there is one of that id, its handle is returned: it
            goes on if its process has died, and is left alone otherwise, so that a cell
            that is run twice begins one execution.

        Raises
        ------
        RuntimeError
            If no loop runs here.
        CodecError
            If the input cannot be stored.
        """
        return get_runtime().start(self.definition, input, execution_id=execution_id)

    def resume(
        self, execution_id: str, data: Any = None, *, pause: str | None = None
    ) -> ExecutionContext[Any]:
        """Answer an execution that waits, and wait until it ends or pauses again.

        Parameters
        ----------
        execution_id : str
            The execution.
        data : Any
            The answer: the value of ``pause`` in the body.
        pause : str, optional
            The name of the pause; the oldest that waits by default.

        Raises
        ------
        ExecutionContextNotFoundError
            If there is no execution of that id.
        ExecutionStateError
            If it does not wait for that answer.
        """
        return get_runtime().resume(
            execution_id, data, pause=pause, definition=self.definition
        )

    def __call__(self, context: ExecutionContext[Any] | Any = None) -> Any:
        """Call it as a step of another workflow: a child execution.

        Parameters
        ----------
        context : ExecutionContext or Any
            The input, or a context whose input it is.

        Returns
        -------
        coroutine
            Gives what the body returns.
        """
        is_context = isinstance(context, ExecutionContext)
        given = context.input if is_context else context
        scope = enter_scope(self.name)
        return call_child(scope.drive, scope.next_key(), self.definition, given)

    def __repr__(self) -> str:
        return f"<Workflow {self.name!r}>"


@final
class _WorkflowDecorator:
    """Makes workflows: ``@workflow``, or ``@workflow.with_options(...)``."""

    def __call__(self, func: Callable[..., Awaitable[R]]) -> Workflow[R]:
        """Make a workflow of an async function."""
        check_function(func, "workflow")
        return _defined(Definition(name_of(func), func))

    def with_options(
        self,
        *,
        name: str | None = None,
        secret_requests: Sequence[str] = (),
        requests: ResourceRequest | None = None,
    ) -> Callable[[Callable[..., Awaitable[R]]], Workflow[R]]:
        """Return a decorator that makes workflows with options.

        Parameters
        ----------
        name : str, optional
            The name under which executions are stored; the function's by default.
        secret_requests : sequence of str
            The secrets that the body gets as the keyword ``secrets``.
        requests : ResourceRequest, optional
            What it needs of a machine.
        """
        if isinstance(secret_requests, str):
            msg = f"secret_requests is a list of names: [{secret_requests!r}]"
            raise TypeError(msg)

        def make(func: Callable[..., Awaitable[R]]) -> Workflow[R]:
            check_function(func, "workflow")
            return _defined(
                Definition(
                    name or name_of(func),
                    func,
                    secret_requests=tuple(secret_requests),
                    requests=requests,
                )
            )

        return make


def _defined(definition: Definition) -> Workflow[Any]:
    """Make a workflow that executions find by its name."""
    made: Workflow[Any] = Workflow(definition)
    CATALOGUE.add(definition)
    return made


workflow: Final = _WorkflowDecorator()
"""Make a workflow of an async function: ``@workflow``, ``@workflow.with_options()``."""
