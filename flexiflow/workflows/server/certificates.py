"""The server's own authority: certificates for the server, Dask and its workers."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import secrets
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

from ...errors import ConfigError, missing_extra

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Authority", "WorkerKey"]

_FOLDER: Final = "certificates"
_CA_DAYS: Final = 3650
_DAYS: Final = 365
_AGO: Final = timedelta(minutes=5)
"""How much earlier a certificate begins, for clocks that differ."""
_RENEW: Final = timedelta(days=30)
"""How long before its end a certificate of the server is made anew."""


def _crypto() -> Any:  # Any: the parts of an optional package
    """Return what is needed of the package ``cryptography``."""
    try:
        # some 50 ms, and needed where TLS is on only
        from cryptography import x509  # noqa: PLC0415
        from cryptography.hazmat.primitives import (  # noqa: PLC0415
            hashes,
            serialization,
        )
        from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415
        from cryptography.x509 import oid  # noqa: PLC0415
    except ImportError as error:
        raise missing_extra("server", "cryptography", "TLS") from error
    return _Crypto(x509, hashes, serialization, ec, oid)


@final
class _Crypto:
    """The parts of ``cryptography``; Any: an optional package."""

    def __init__(self, *parts: Any) -> None:
        self.x509, self.hashes, self.serialization, self.ec, self.oid = parts

    def new_key(self) -> Any:
        """Draw a key."""
        return self.ec.generate_private_key(self.ec.SECP256R1())

    def pem_of(self, key: Any) -> bytes:
        """Return a private key as text."""
        pem: bytes = key.private_bytes(
            self.serialization.Encoding.PEM,
            self.serialization.PrivateFormat.PKCS8,
            self.serialization.NoEncryption(),
        )
        return pem

    def text_of(self, certificate: Any) -> str:
        """Return a certificate as text."""
        pem: bytes = certificate.public_bytes(self.serialization.Encoding.PEM)
        return pem.decode("ascii")

    def name_of(self, text: str) -> Any:
        """Return the name of a subject."""
        attribute = self.x509.NameAttribute(self.oid.NameOID.COMMON_NAME, text)
        return self.x509.Name([attribute])

    def builder(self, subject: str, issuer: Any, public_key: Any, days: int) -> Any:
        """Return a certificate that is to be signed."""
        now = datetime.now(UTC)
        return (
            self.x509.CertificateBuilder()
            .subject_name(self.name_of(subject))
            .issuer_name(issuer)
            .public_key(public_key)
            .serial_number(self.x509.random_serial_number())
            .not_valid_before(now - _AGO)
            .not_valid_after(now + timedelta(days=days))
        )


@final
class Authority:
    """Signs certificates; its key lies in the home folder, readable by its owner.

    Parameters
    ----------
    home : str or path
        The home folder; ``certificates/`` in it is made when absent.
    names : iterable of str
        The names and addresses under which the server is asked.

    Raises
    ------
    ConfigError
        If a file is damaged.
    MissingExtraError
        If the package ``cryptography`` is not installed.

    Notes
    -----
    All that it signs may take part in Dask, where who takes part may run code: it signs
    for the server, and for workers that have shown the bootstrap token.
    """

    def __init__(self, home: str | os.PathLike[str], names: Iterable[str]) -> None:
        self._crypto = _crypto()
        self._folder = Path(home).absolute() / _FOLDER
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._key, self._certificate = self._load_ca()
        self.ca: Final = self._crypto.text_of(self._certificate)
        """The certificate of the authority in PEM."""
        self._make_server(list(dict.fromkeys(names)))

    @property
    def ca_file(self) -> Path:
        """The file of the authority's certificate, for workers and clients."""
        return self._folder / "ca.pem"

    @property
    def server_file(self) -> Path:
        """The file of the server's certificate."""
        return self._folder / "server.pem"

    @property
    def key_file(self) -> Path:
        """The file of the server's key."""
        return self._folder / "server.key"

    def dask(self) -> dict[str, str]:
        """Return the files for Dask's ``Security`` of scheduler and client."""
        certificate, key = str(self.server_file), str(self.key_file)
        return {
            "tls_ca_file": str(self.ca_file),
            "tls_scheduler_cert": certificate,
            "tls_scheduler_key": key,
            "tls_client_cert": certificate,
            "tls_client_key": key,
        }

    def sign(self, request: str, name: str) -> str:
        """Return the certificate of a worker in PEM.

        Parameters
        ----------
        request : str
            Its certificate request in PEM; of it the public key is taken alone.
        name : str
            Its name.

        Raises
        ------
        ConfigError
            If it is no such request, or was not signed with its own key.
        """
        x509 = self._crypto.x509
        try:
            read = x509.load_pem_x509_csr(request.encode("ascii", "replace"))
            is_signed = read.is_signature_valid
        except Exception as error:
            raise _bad_request(f"{type(error).__name__}: {error}.") from error
        if not is_signed:
            raise _bad_request("It was not signed with its own key.")
        names = [x509.DNSName("flexiflow-worker")]
        signed = self._signed(name, read.public_key(), names)
        pem: str = self._crypto.text_of(signed)
        return pem

    # Any, below: parts of an optional package.
    def _signed(self, subject: str, public_key: Any, names: list[Any]) -> Any:
        """Return a certificate for both ends of a connection."""
        x509, usage = self._crypto.x509, self._crypto.oid.ExtendedKeyUsageOID
        builder = self._crypto.builder(
            subject, self._certificate.subject, public_key, _DAYS
        )
        return (
            builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(
                x509.BasicConstraints(ca=False, path_length=None), critical=True
            )
            .add_extension(
                x509.ExtendedKeyUsage([usage.SERVER_AUTH, usage.CLIENT_AUTH]),
                critical=False,
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(
                    self._key.public_key()
                ),
                critical=False,
            )
            .sign(self._key, self._crypto.hashes.SHA256())
        )

    def _load_ca(self) -> tuple[Any, Any]:
        """Return the key and the certificate of the authority; made on first use."""
        crypto = self._crypto
        key_file, file = self._folder / "ca.key", self.ca_file
        if not key_file.exists() or not file.exists():
            self._make_ca(key_file, file)
        try:
            key = crypto.serialization.load_pem_private_key(key_file.read_bytes(), None)
            return key, crypto.x509.load_pem_x509_certificate(file.read_bytes())
        except (OSError, ValueError, TypeError) as error:
            raise _damaged(self._folder, error) from error

    def _make_ca(self, key_file: Path, file: Path) -> None:
        """Make the key and the certificate of the authority."""
        crypto, x509 = self._crypto, self._crypto.x509
        key = crypto.new_key()
        name = f"FlexiFlow {secrets.token_hex(4)}"
        usage = dict.fromkeys(
            (
                "digital_signature",
                "content_commitment",
                "key_encipherment",
                "data_encipherment",
                "key_agreement",
                "encipher_only",
                "decipher_only",
            ),
            False,
        )
        certificate = (
            crypto.builder(name, crypto.name_of(name), key.public_key(), _CA_DAYS)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(
                x509.KeyUsage(key_cert_sign=True, crl_sign=True, **usage), critical=True
            )
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()),
                critical=False,
            )
            .sign(key, crypto.hashes.SHA256())
        )
        _write(key_file, crypto.pem_of(key))
        _write(file, crypto.text_of(certificate).encode(), mode=0o644)

    def _make_server(self, names: list[str]) -> None:
        """Make the certificate of the server, unless there is one for these names."""
        crypto = self._crypto
        wanted = [_general_name(crypto.x509, name) for name in names]
        if self._is_good(wanted):
            return
        key = crypto.new_key()
        certificate = self._signed("flexiflow-server", key.public_key(), wanted)
        _write(self.key_file, crypto.pem_of(key))
        _write(self.server_file, crypto.text_of(certificate).encode(), mode=0o644)

    def _is_good(self, wanted: list[Any]) -> bool:
        """Return whether the server has a certificate that still serves."""
        x509 = self._crypto.x509
        with contextlib.suppress(OSError, ValueError, x509.ExtensionNotFound):
            ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
                self.server_file, self.key_file
            )
            found = x509.load_pem_x509_certificate(self.server_file.read_bytes())
            names = found.extensions.get_extension_for_class(
                x509.SubjectAlternativeName
            ).value
            lasts = found.not_valid_after_utc > datetime.now(UTC) + _RENEW
            is_ours = found.issuer == self._certificate.subject
            return lasts and is_ours and set(wanted) <= set(names)
        return False


@final
class WorkerKey:
    """The key of a worker, drawn by it, and known to nobody else.

    Parameters
    ----------
    folder : path
        Where the files that Dask reads are kept.
    """

    def __init__(self, folder: Path) -> None:
        self._crypto = _crypto()
        self._folder = folder.absolute()
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._key = self._crypto.new_key()

    def request(self, name: str) -> str:
        """Return a certificate request in PEM."""
        crypto = self._crypto
        made = (
            crypto.x509.CertificateSigningRequestBuilder()
            .subject_name(crypto.name_of(name))
            .sign(self._key, crypto.hashes.SHA256())
        )
        pem: str = crypto.text_of(made)
        return pem

    def dask(self, certificate: str, authority: str) -> dict[str, str]:
        """Keep what came of the request; return the files for Dask's ``Security``."""
        ca, own, key = (
            self._folder / name for name in ("ca.pem", "worker.pem", "worker.key")
        )
        _write(key, self._crypto.pem_of(self._key))
        _write(own, certificate.encode(), mode=0o644)
        _write(ca, authority.encode(), mode=0o644)
        files = {"tls_ca_file": str(ca)}
        for role in ("worker", "client"):
            files |= {f"tls_{role}_cert": str(own), f"tls_{role}_key": str(key)}
        return files


def _general_name(x509: Any, name: str) -> Any:  # Any: of an optional package
    """Return a name or an address as certificates hold them."""
    try:
        return x509.IPAddress(ipaddress.ip_address(name.strip("[]")))
    except ValueError:
        return x509.DNSName(name)


def _write(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Write a file whole or not at all."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    opened = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(opened, "wb") as file:
        file.write(data)
    beside.replace(path)


def _bad_request(why: str) -> ConfigError:
    return ConfigError(
        "The certificate request cannot be signed",
        why=why,
        fix="Send a request in PEM, as flexiflow start worker does.",
    )


def _damaged(folder: Path, error: Exception) -> ConfigError:
    return ConfigError(
        "The certificates of the server cannot be read",
        why=f"{type(error).__name__}: {error}.",
        fix=f"Move {folder} away: a new authority is made, and workers register again.",
        context={"folder": str(folder)},
    )
