"""Take workers in: who may come, and what each is told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Protocol, final

from pydantic import BaseModel, Field

from ...errors import FlexiFlowError
from .._taking import load
from ..errors import SecretNotFoundError
from ._roster import Member
from ._sessions import Session, Sessions, is_same_token

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..journal import Journal
    from ..secret_managers import SecretManager
    from ._roster import Roster
    from .certificates import Authority
    from .dispatch import WorkerInfo

__all__ = [
    "Code",
    "Given",
    "JournalPlace",
    "NameTakenError",
    "Registration",
    "RegistrationError",
    "Renewed",
    "Report",
    "Wanted",
    "Welcome",
]

_NAME: Final = r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}"
_MOST_PACKAGES: Final = 5000


class RegistrationError(FlexiFlowError):
    """A worker is not let in, or is not what it says."""

    code = "flexiflow.workflow.registration"


class NameTakenError(RegistrationError):
    """Another worker has that name."""

    code = "flexiflow.workflow.name_taken"


class Report(BaseModel):
    """What a worker says of itself."""

    name: str = Field(pattern=f"^{_NAME}$")
    """Its name."""
    instance: str = Field(min_length=8, max_length=64)
    """Drawn by its process."""
    machine: str = Field(default="", max_length=128)
    """What tells its machine from others."""
    python: str = Field(max_length=64)
    """The version of its Python."""
    platform: str = Field(max_length=200)
    """Its operating system and machine."""
    cpu: float = Field(gt=0, le=100_000)
    """Its cores."""
    memory: int = Field(ge=0, le=2**60)
    """Its memory in bytes."""
    gpu: int = Field(ge=0, le=10_000)
    """Its GPUs."""
    slots: int = Field(ge=1, le=100_000)
    """How many executions it takes at once."""
    packages: dict[str, str] = Field(default_factory=dict, max_length=_MOST_PACKAGES)
    """The installed distributions by name, with their versions."""
    certificate_request: str | None = Field(default=None, max_length=20_000)
    """A request for a certificate in PEM, where TLS is on."""


class Welcome(BaseModel):
    """What a worker needs to begin."""

    session: str
    """The token of its session."""
    scheduler: str
    """The address of Dask's scheduler."""
    journal: dict[str, str]
    """Where the journal is: ``kind``, and ``path``, ``home``, ``proof`` or ``url``."""
    certificate: str | None = None
    """Its certificate in PEM, where TLS is on."""
    authority: str | None = None
    """The certificate of who has signed it."""


class Renewed(BaseModel):
    """A session that goes on."""

    session: str
    """The token to use from now on."""


class Code(BaseModel):
    """A version of a workflow."""

    name: str
    """The name of the workflow."""
    version: int
    """From 1."""
    file_name: str
    """The name of its file."""
    code: str
    """What is in the file."""
    sha256: str
    """The digest of the file's bytes."""


class Wanted(BaseModel):
    """The secrets that an execution asks for."""

    execution_id: str = Field(max_length=500)
    """The execution; it has not ended."""
    names: list[str] = Field(max_length=1000)
    """The names of the secrets."""


class Given(BaseModel):
    """Secrets by name; those that there are."""

    secrets: dict[str, Any]
    """Any: JSON data."""


class _Codes(Protocol):
    """What is asked of the catalogue. Any: an entry of it."""

    def code(self, name: str, version: int | None = None) -> Any:
        """Return a version of a workflow, the newest by default."""


@final
@dataclass(frozen=True, slots=True)
class JournalPlace:
    """Where workers find the journal."""

    path: str = ""
    """The file, for workers of this machine; empty with a URL."""
    home: str = ""
    """The folder of what else is stored."""
    proof: str = ""
    """What stands in a file of the folder: who reads it shares the disk."""
    url: str = ""
    """The URL with the workers' own role; empty with a file."""

    def facts(self) -> dict[str, str]:
        """Return what a worker is told."""
        if self.url:
            return {"kind": "postgresql", "url": self.url}
        return {
            "kind": "sqlite",
            "path": self.path,
            "home": self.home,
            "proof": self.proof,
        }


@final
class Registration:
    """What workers ask of the server.

    Parameters
    ----------
    token : str
        The bootstrap token.
    roster : Roster
        Where those who register are noted.
    scheduler : callable
        Returns the address of Dask's scheduler; may block.
    place : JournalPlace
        Where the journal is.
    journal : Journal
        The journal itself.
    codes : object
        The catalogue.
    secrets : SecretManager
        The secrets.
    machine : str
        What tells this machine from others.
    authority : Authority, optional
        Signs certificates, where TLS is on.
    """

    def __init__(
        self,
        *,
        token: str,
        roster: Roster,
        scheduler: Callable[[], str],
        place: JournalPlace,
        journal: Journal,
        codes: _Codes,
        secrets: SecretManager,
        machine: str,
        authority: Authority | None = None,
    ) -> None:
        self._token = token
        self._roster = roster
        self._scheduler = scheduler
        self._place = place
        self._journal = journal
        self._codes = codes
        self._secrets = secrets
        self._machine = machine
        self._authority = authority
        self._sessions = Sessions()

    def is_token(self, token: str) -> bool:
        """Return whether it is the bootstrap token."""
        return is_same_token(token, self._token)

    def register(self, report: Report, taken: WorkerInfo | None) -> Welcome:
        """Take a worker in.

        Raises
        ------
        RegistrationError
            If it cannot work from where it is, or its name is taken.
        WorkflowError
            If the scheduler does not run.
        """
        if not self._place.url and report.machine != self._machine:
            raise RegistrationError(
                f"The worker {report.name!r} is refused: it is on another machine",
                why="The journal of this server is a SQLite file, which serves one "
                "machine.",
                fix="Start the worker where the server is, or give the server a "
                "PostgreSQL journal: FLEXIFLOW_DATABASE_URL=postgresql://...",
            )
        before = self._roster.get(report.name)
        is_other = before is not None and before.instance != report.instance
        if is_other and taken is not None and taken.connected:
            raise NameTakenError(
                f"There is a worker {report.name!r} already",
                why="It is connected, and names are given once.",
                fix="Choose another name: flexiflow start worker NAME",
            )
        certificate = self._certificate(report)
        address = self._scheduler()
        self._roster.add(_member(report))
        return Welcome(
            session=self._sessions.begin(report.name, report.instance),
            scheduler=address,
            journal=self._place.facts(),
            certificate=certificate,
            authority=None if self._authority is None else self._authority.ca,
        )

    def _certificate(self, report: Report) -> str | None:
        """Return the signed certificate of a worker, where TLS is on."""
        if self._authority is None:
            return None
        if report.certificate_request is None:
            raise RegistrationError(
                "The worker has sent no certificate request",
                why="The server speaks to workers over TLS only.",
                fix="Start the worker with the same version of FlexiFlow, with the "
                'package cryptography: pip install "flexiflow[server]"',
            )
        return self._authority.sign(report.certificate_request, report.name)

    def session(self, token: str | None) -> Session | None:
        """Return the session of a token, or None."""
        return None if token is None else self._sessions.find(token)

    def renew(self, token: str) -> str | None:
        """Return the token that a session uses from now on."""
        return self._sessions.renew(token)

    def leave(self, token: str, session: Session) -> None:
        """Forget a worker that ends."""
        self._sessions.end(token)
        self._roster.remove(session.name, session.instance)

    def code(self, name: str, version: int | None) -> Code:
        """Return a version of a workflow."""
        entry = self._codes.code(name, version)
        return Code(
            name=entry.name,
            version=entry.version,
            file_name=entry.file_name,
            code=entry.code,
            sha256=entry.sha256,
        )

    def secrets(self, wanted: Wanted) -> dict[str, Any]:
        """Return the secrets of an execution; Any: JSON data."""
        stored = load(self._journal, wanted.execution_id)
        if stored.has_ended:
            raise RegistrationError(
                f"The execution {wanted.execution_id!r} gets no secrets",
                why="It has ended.",
                fix="Ask for them while it runs.",
            )
        found = {}
        for name in wanted.names:
            try:
                found[name] = self._secrets.get(name)
            except SecretNotFoundError:
                continue  # the step that asks says which are missing
        return found


def _member(report: Report) -> Member:
    """Return what is noted of a worker."""
    return Member(
        name=report.name,
        instance=report.instance,
        python=report.python,
        platform=report.platform,
        cpu=report.cpu,
        memory=report.memory,
        gpu=report.gpu,
        slots=report.slots,
        packages=dict(report.packages),
        registered=datetime.now(UTC),
    )
