"""Put a server together: journal, catalogue, scheduler, dispatcher, application."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self, final

from ..journal import open_journal
from ..secret_managers import SecretManager
from . import create_server_app
from ._machine import is_loopback, machine_id, own_names
from ._proof import write_proof
from ._roster import Roster
from ._sessions import bootstrap_file, bootstrap_token
from ._worker_role import worker_url
from .catalogue import Catalogue
from .certificates import Authority
from .dispatching import DaskDispatcher
from .registration import (
    OWN_PATHS,
    JournalPlace,
    Registration,
    create_workers_router,
)
from .scheduler import OtherScheduler, SchedulerPlace, SchedulerProcess
from .service import Server
from .tokens import Role, load_tokens, make_tokens

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from fastapi import FastAPI

    from ...settings import Settings
    from ..journal import Journal
    from .tokens import Tokens

__all__ = ["Assembly", "ServerOptions"]

_EVERYWHERE: Final = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - compared with


@final
@dataclass(frozen=True, slots=True)
class ServerOptions:
    """How a server is started."""

    settings: Settings
    """The settings in force; ``home`` and ``database_url`` say where things are."""
    host: str = "127.0.0.1"
    """The address to listen on."""
    names: tuple[str, ...] = ()
    """Other names under which it is asked, for its certificate."""
    scheduler: str = ""
    """The address of a scheduler that is there; empty: start one."""
    scheduler_port: int = 0
    """The port of the scheduler that is started; 0: a free one."""
    tls: bool = False
    """Whether to encrypt on loopback as well; elsewhere it always is."""

    @property
    def is_local(self) -> bool:
        """Whether nobody but this machine reaches it."""
        return is_loopback(self.host)

    @property
    def is_encrypted(self) -> bool:
        """Whether it speaks TLS."""
        return self.tls or not self.is_local


@final
class Assembly:
    """The parts of a server; owns them from its making to :meth:`close`.

    Parameters
    ----------
    options : ServerOptions
        How it is started.

    Notes
    -----
    Making it opens the journal and reads the tokens; the scheduler is started by the
    dispatcher's own thread. Use it in a ``with`` block.
    """

    def __init__(self, options: ServerOptions) -> None:
        self._options = options
        self._closing = contextlib.ExitStack()
        self.new_tokens: dict[Role, str] = {}
        """Tokens that were made just now: the one moment at which they are known."""
        self.is_first_use = not bootstrap_file(self.home).exists()
        """Whether the bootstrap token was made just now."""
        with contextlib.ExitStack() as stack:
            self._make(stack)
            self._closing = stack.pop_all()

    @property
    def home(self) -> Path:
        """The folder of what is stored."""
        return self._options.settings.home

    @property
    def token_file(self) -> Path:
        """The file of the bootstrap token."""
        return bootstrap_file(self.home)

    def _make(self, stack: contextlib.ExitStack) -> None:
        """Make the parts, each closed when a later one cannot be made."""
        options, settings, home = self._options, self._options.settings, self.home
        self.authority: Authority | None = None
        if options.is_encrypted:
            self.authority = Authority(home, self._names())
        tokens = None if options.is_local else self._tokens()
        url = settings.database_url or str(home / "flexiflow.db")
        journal = open_journal(url)
        stack.callback(journal.close)
        catalogue = Catalogue(home, settings.database_url)
        keeper = SecretManager(home, settings.security.encryption_key)
        tls = None if self.authority is None else self.authority.dask()
        if options.scheduler.startswith("tcp:"):
            tls = None  # that of a cluster, whose owner keeps strangers away
        roster = Roster()
        scheduler = self._scheduler(tls)
        self.dispatcher = DaskDispatcher(journal, catalogue, roster, scheduler, tls=tls)
        stack.callback(self.dispatcher.close)
        registration = Registration(
            token=settings.workers.bootstrap_token or bootstrap_token(home),
            roster=roster,
            scheduler=scheduler.address,
            place=self._place(journal, url),
            journal=journal,
            codes=catalogue,
            secrets=keeper,
            machine=machine_id(),
            authority=self.authority,
        )
        self.server = Server(
            journal=journal,
            catalogue=catalogue,
            dispatcher=self.dispatcher,
            secrets=keeper,
            settings=settings,
        )
        self.app: FastAPI = create_server_app(
            self.server,
            tokens=tokens,
            allowed_hosts=set(self._names()) if options.is_local else None,
            routers=[create_workers_router(registration, self.dispatcher)],
        )

    def close(self) -> None:
        """End the scheduler, and let go of the journal; twice is harmless."""
        self._closing.close()

    def __enter__(self) -> Self:
        """Be closed at the end of the block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()

    def _names(self) -> list[str]:
        """Return the names under which the server may be asked."""
        own = ["localhost", "127.0.0.1", "::1", *self._options.names]
        host = self._options.host.strip("[]")
        if host not in _EVERYWHERE:
            own.append(host)
        if not self._options.is_local:
            own += own_names()
        return own

    def _tokens(self) -> Tokens:
        """Return who may do what; tokens are made when there are none."""
        tokens = load_tokens(self.home)
        if tokens is None:
            self.new_tokens = make_tokens(self.home)
            tokens = load_tokens(self.home)
        if tokens is None:
            raise AssertionError  # never: they were just made
        return tokens.with_own(OWN_PATHS)

    def _scheduler(self, tls: dict[str, str] | None) -> SchedulerPlace:
        """Return the scheduler that the options name, or one of our own."""
        options = self._options
        if options.scheduler:
            return OtherScheduler(options.scheduler)
        host = "127.0.0.1" if options.is_local else options.host.strip("[]")
        return SchedulerProcess(host, options.scheduler_port, tls=tls)

    def _place(self, journal: Journal, url: str) -> JournalPlace:
        """Return where workers find the journal."""
        if url.startswith(("postgres:", "postgresql:")):
            return JournalPlace(url=worker_url(journal, url, self.home))
        home = self.home.absolute()
        return JournalPlace(path=url, home=str(home), proof=write_proof(home))
