"""Secrets: encrypted where they lie, and shown nowhere."""

import base64
import copy
import json
import os
import pickle
import sqlite3
import stat
import subprocess
import sys
import threading
import traceback
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from flexiflow.errors import FlexiFlowError
from flexiflow.workflows import _fernet, _secret_key
from flexiflow.workflows._aes import decrypt_cbc, encrypt_cbc
from flexiflow.workflows._fernet import PlainFernet, TokenError, cipher_of
from flexiflow.workflows.codec import encode
from flexiflow.workflows.config import Configuration
from flexiflow.workflows.errors import SecretError, SecretNotFoundError
from flexiflow.workflows.secret_managers import Redactor, SecretManager, Secrets

ROOT = Path(__file__).resolve().parents[2]
VALUE = "s3cr3t-värde /+\"\\'\n%~?>"
"""A value that looks different in every notation."""


@pytest.fixture
def manager(tmp_path):
    """The secrets of a folder that does not exist yet."""
    return SecretManager(tmp_path / "home")


@pytest.fixture(params=["installed", "plain"])
def cipher(request, monkeypatch):
    """Both ways to encrypt: with the package, and as if it were not there."""
    if request.param == "plain":
        monkeypatch.setitem(sys.modules, "cryptography", None)
    return request.param


class TestAes:
    def test_encrypts_as_the_standard_says(self):
        """SP 800-38A, F.2.1: CBC-AES128, its first two blocks."""
        key = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
        start = bytes(range(16))
        text = bytes.fromhex(
            "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
        )
        expected = bytes.fromhex(
            "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"
        )

        assert encrypt_cbc(key, start, text) == expected
        assert decrypt_cbc(key, start, expected) == text


class TestFernet:
    KEY = bytes.fromhex(
        "730ff4c7af3d46923e8ed451ee813c87f790b0a226bc96a92de49b5e9c05e1ee"
    )

    def test_makes_the_token_of_the_specification(self, monkeypatch):
        """The example of the specification, byte by byte."""
        monkeypatch.setattr(_fernet.os, "urandom", lambda size: bytes(range(size)))
        monkeypatch.setattr(_fernet.time, "time", lambda: 499162800)

        assert PlainFernet(self.KEY).encrypt(b"hello") == (
            b"gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOP"
            b"mrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA=="
        )

    @given(data=st.binary(max_size=100), key=st.binary(min_size=32, max_size=32))
    def test_both_ciphers_read_each_other(self, data, key):
        """What one writes the other reads."""
        plain, installed = PlainFernet(key), cipher_of(key)

        assert type(installed) is not PlainFernet
        assert installed.decrypt(plain.encrypt(data)) == data
        assert plain.decrypt(installed.encrypt(data)) == data

    def test_changed_token_is_refused(self, cipher):
        """No byte of a token can be changed unnoticed."""
        token = cipher_of(self.KEY).encrypt(b"hello")
        assert type(cipher_of(self.KEY)) is PlainFernet or cipher == "installed"

        for place in range(0, len(token) - 4, 3):
            changed = bytearray(token)
            changed[place] = ord("B") if changed[place] != ord("B") else ord("C")
            with pytest.raises(TokenError):
                cipher_of(self.KEY).decrypt(bytes(changed))

    @pytest.mark.parametrize("token", [b"", b"gAAA", b"\xff", b"A" * 120, b"====="])
    def test_what_is_no_token_is_refused(self, cipher, token):
        """Damage is one error, whatever it is."""
        with pytest.raises(TokenError):
            cipher_of(self.KEY).decrypt(token)


class TestSecretManager:
    def test_gives_back_what_was_saved(self, manager, cipher):
        """Text and other JSON data, falsy values too."""
        values = {"text": VALUE, "number": 7, "zero": 0, "map": {"a": [1, None]}}
        for name, value in values.items():
            manager.save(name, value)

        assert manager.get(list(values)) == values
        assert manager.get("zero") == 0
        assert manager.all() == ["map", "number", "text", "zero"]

    def test_is_written_and_read_with_and_without_the_package(
        self, manager, monkeypatch
    ):
        """A store may be used from installations that differ."""
        manager.save("A", VALUE)
        monkeypatch.setitem(sys.modules, "cryptography", None)
        manager.save("B", VALUE)
        assert manager.get("A") == VALUE
        monkeypatch.undo()

        assert manager.get("B") == VALUE

    def test_saving_again_replaces(self, manager):
        """A name has one value."""
        manager.save("A", "old")
        manager.save("A", "new")

        assert (manager.get("A"), manager.all()) == ("new", ["A"])

    def test_remove_forgets(self, manager):
        """The answer says whether there was anything to forget."""
        manager.save("A", "x")

        assert manager.remove("A") is True
        assert manager.remove("A") is False
        assert manager.all() == []

    def test_asking_makes_nothing(self, manager, tmp_path):
        """A folder appears with the first secret, not before."""
        assert manager.all() == []
        assert manager.remove("A") is False
        with pytest.raises(SecretNotFoundError):
            manager.get("A")

        assert list(tmp_path.iterdir()) == []

    def test_missing_ones_are_named(self, manager):
        """All that are missing, and what was probably meant."""
        manager.save("DB_PASSWORD", "x")

        with pytest.raises(KeyError) as caught:
            manager.get(["DB_PASSWORT", "DB_PASSWORD", "TOKEN"])
        assert isinstance(caught.value, SecretNotFoundError)
        assert caught.value.what == "No secret 'DB_PASSWORT', 'TOKEN'"
        assert "DB_PASSWORD" in str(caught.value)

    @pytest.mark.parametrize("name", ["", "a\nb", "\x1b[31m", "x" * 201])
    def test_refuses_bad_names(self, manager, name):
        """A name can be printed and fits on a line."""
        with pytest.raises(SecretError, match="cannot have that name"):
            manager.save(name, "x")

    @pytest.mark.parametrize("value", [None, object(), {1: 2}, (1, 2), float("nan")])
    def test_refuses_values_that_would_come_back_changed(self, manager, value):
        """What cannot be kept as it is is refused, and not shown."""
        with pytest.raises(SecretError, match="'A' cannot be kept") as caught:
            manager.save("A", value)
        assert caught.value.__context__ is None or caught.value.fix

    def test_current_is_that_of_the_settings(self, tmp_path, monkeypatch):
        """The home and the key of the configuration count."""
        monkeypatch.setattr(Configuration, "_current", None)
        Configuration.get().override(
            home=tmp_path / "one", security={"encryption_key": "a passphrase"}
        )
        SecretManager.current().save("A", "x")

        assert SecretManager(tmp_path / "one", "a passphrase").get("A") == "x"
        assert repr(SecretManager.current()).endswith("one/secrets.db>")

    def test_many_threads_save_at_once(self, manager):
        """None is lost, and they share one key."""
        threads = [
            threading.Thread(target=manager.save, args=(f"N{index}", index))
            for index in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert manager.get([f"N{index}" for index in range(8)]) == {
            f"N{index}": index for index in range(8)
        }

    def test_another_process_reads_them(self, manager, tmp_path):
        """A secret outlives the process that saved it."""
        manager.save("A", "x")
        code = (
            "from pathlib import Path\n"
            "from flexiflow.workflows.secret_managers import SecretManager\n"
            f"print(SecretManager(Path({str(tmp_path / 'home')!r})).get('A'))\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True, text=True, check=True, cwd=ROOT,
        )  # fmt: skip

        assert done.stdout == "x\n"


class TestAtRest:
    def test_no_value_lies_in_any_file(self, manager, tmp_path):
        """Not even one that was replaced or removed."""
        for name in ("A", "B", "C"):
            manager.save(name, f"{VALUE}-{name}")
        manager.save("A", f"{VALUE}-again")
        manager.remove("B")
        kept = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())

        assert kept
        for form in (VALUE, json.dumps(VALUE)[1:-1], "s3cr3t"):
            assert form.encode() not in kept

    def test_what_was_removed_is_overwritten(self, manager, tmp_path):
        """A key that becomes known later opens nothing that is gone."""
        manager.save("A", VALUE * 50)
        path = tmp_path / "home/secrets.db"
        db = sqlite3.connect(path)
        ((token,),) = db.execute("SELECT token FROM secrets")
        db.close()
        assert token in path.read_bytes()
        manager.remove("A")

        assert token[20:60] not in path.read_bytes()

    def test_first_key_wins(self, tmp_path):
        """Of two that make one at the same time the second takes the first's."""
        first = _secret_key.key_of_file(tmp_path, make=True)
        _secret_key._make(tmp_path / _secret_key.KEY_FILE)

        assert _secret_key.key_of_file(tmp_path, make=True) == first

    @pytest.mark.skipif(os.name != "posix", reason="modes are of POSIX")
    def test_files_are_for_their_owner_alone(self, manager, tmp_path):
        """Whatever the umask allows."""
        before = os.umask(0)
        try:
            manager.save("A", "x")
        finally:
            os.umask(before)
        modes = {
            path.name: stat.S_IMODE(path.stat().st_mode)
            for path in (tmp_path / "home").iterdir()
        }

        assert modes["secrets.db"] == modes["secrets.key"] == 0o600
        assert not any(name.endswith(".tmp") for name in modes)

    def test_home_is_ignored_by_git(self, manager, tmp_path):
        """A key does not get into a repository by accident; a file there is kept."""
        manager.save("A", "x")

        assert (tmp_path / "home/.gitignore").read_text().splitlines()[-1] == "*"

    @pytest.mark.skipif(os.name != "posix", reason="modes are of POSIX")
    def test_key_that_others_may_read_is_refused(self, manager, tmp_path):
        """As ssh does it, with the command that mends it."""
        manager.save("A", "x")
        key = tmp_path / "home/secrets.key"
        key.chmod(0o640)

        with pytest.raises(SecretError, match="read by others") as caught:
            manager.get("A")
        assert f"chmod 600 {key}" in caught.value.fix

    @pytest.mark.parametrize(
        ("text", "says"),
        [("short", "is damaged"), (None, "key of the secrets is gone")],
    )
    def test_key_that_cannot_be_used_is_an_error(self, manager, tmp_path, text, says):
        """Old secrets are never silently lost behind a new key."""
        manager.save("A", "x")
        key = tmp_path / "home/secrets.key"
        key.unlink() if text is None else key.write_text(text)

        with pytest.raises(SecretError, match=says):
            manager.get("A")

    def test_key_of_the_settings_leaves_no_file(self, tmp_path):
        """Then nothing beside the secrets opens them."""
        SecretManager(tmp_path, "a passphrase").save("A", "x")

        assert not (tmp_path / "secrets.key").exists()
        assert SecretManager(tmp_path, "a passphrase").get("A") == "x"

    def test_fernet_key_is_used_as_it_is(self, tmp_path):
        """A key made elsewhere opens the tokens elsewhere."""
        key = Fernet.generate_key()
        SecretManager(tmp_path, key.decode()).save("A", "x")
        with sqlite3.connect(tmp_path / "secrets.db") as db:
            ((token,),) = db.execute("SELECT token FROM secrets")
        db.close()

        assert json.loads(Fernet(key).decrypt(token)) == ["A", "x"]

    @pytest.mark.parametrize("key", ["another", None])
    def test_wrong_key_is_an_error(self, tmp_path, key):
        """It says so; nothing is guessed."""
        SecretManager(tmp_path, "a passphrase").save("A", "x")
        if key is None:
            SecretManager(tmp_path).save("B", "y")

        with pytest.raises(SecretError, match="'A' cannot be decrypted"):
            SecretManager(tmp_path, key).get("A")

    def test_token_moved_to_another_name_is_refused(self, manager, tmp_path):
        """Who may write the file cannot exchange two secrets."""
        manager.save("LOW", "x")
        manager.save("HIGH", "y")
        with sqlite3.connect(tmp_path / "home/secrets.db") as db:
            db.execute(
                "UPDATE secrets SET token = "
                "(SELECT token FROM secrets WHERE name = 'LOW') WHERE name = 'HIGH'"
            )
        db.close()

        with pytest.raises(SecretError, match="'HIGH' cannot be decrypted"):
            manager.get("HIGH")

    def test_folder_that_cannot_be_made_is_an_error(self, tmp_path):
        """In words, not the system's own."""
        (tmp_path / "file").write_text("in the way")

        with pytest.raises(SecretError, match="cannot be read or written"):
            SecretManager(tmp_path / "file" / "home").save("A", "x")

    def test_damaged_file_is_an_error_with_its_name(self, manager, tmp_path):
        """Never a trace of the database's own."""
        manager.save("A", "x")
        (tmp_path / "home/secrets.db").write_bytes(b"not a database" * 100)

        with pytest.raises(SecretError, match="cannot be read or written"):
            manager.all()


class TestSecrets:
    def test_shows_names_only(self):
        """However it is shown."""
        secrets = Secrets(TOKEN=VALUE)

        assert f"{secrets} {secrets!r} {[secrets]}".count("<Secrets TOKEN>") == 3
        assert repr(Secrets()) == "<Secrets none>"

    def test_is_a_dictionary(self):
        """It pickles and copies, for tasks in processes."""
        secrets = Secrets(TOKEN=VALUE)

        assert pickle.loads(pickle.dumps(secrets)) == {"TOKEN": VALUE}  # noqa: S301
        assert type(copy.deepcopy(secrets)) is Secrets


def raised(error):
    """Return an error that was raised in a frame that knows a secret."""

    def task(secret):
        raise error

    try:
        task(VALUE)
    except BaseException as caught:  # noqa: BLE001 - whatever it is
        return caught


class Odd(Exception):  # noqa: N818 - errors may have any name
    """An error with a constructor and a text of its own."""

    def __init__(self, code, *, body):
        super().__init__(code)
        self.body = body

    def __str__(self):
        return f"odd {self.body['token']}"


class Stubborn(Exception):  # noqa: N818 - as above
    """An error out of which nothing can be taken."""

    def __str__(self):
        return f"stubborn {VALUE}"


class Slotted(Exception):  # noqa: N818 - as above
    """An error whose attribute is not in its dictionary."""

    __slots__ = ("token",)


class TestRedactor:
    redactor = Redactor({"TOKEN": VALUE, "PIN": "42", "KEY": {"a": ["deep-value"]}})

    def shown(self, error):
        """Return everything that can be seen of an error."""
        formatted = traceback.TracebackException.from_exception(
            error, capture_locals=True
        )
        return (
            repr(error) + str(error) + "".join(formatted.format()) + repr(vars(error))
        )

    @pytest.mark.parametrize(
        "show",
        [str, repr, json.dumps, lambda v: json.dumps(v, ensure_ascii=False),
         lambda v: repr(v.encode()), lambda v: v.encode().hex(),
         lambda v: f"https://x/?token={quote(v)}", lambda v: quote(v, safe=""),
         quote_plus, lambda v: base64.b64encode(v.encode()).decode(),
         lambda v: base64.urlsafe_b64encode(v.encode()).decode()],
    )  # fmt: skip
    def test_finds_a_value_in_every_notation(self, show):
        """As text, repr, JSON, URL, base64 and hexadecimal digits."""
        text = f"before {show(VALUE)} after"
        found = self.redactor.text(text)

        assert self.redactor.is_in(text)
        assert "[secret TOKEN]" in found
        assert "s3cr3t" not in found
        assert found.startswith("before ")

    def test_short_values_are_found_by_themselves_alone(self):
        """Else half of all texts would be gone."""
        assert self.redactor.text("pin 42, not 142") == "pin [secret PIN], not 142"

    def test_single_characters_are_found_as_whole_texts_alone(self):
        """Else messages would be garbled, and say nothing any more."""
        redactor = Redactor({"SHORT": "a", "NIL": "0"})
        error = ValueError("a", "a word, 0 for banana", 0)

        assert redactor.text("a word of 0") == "a word of 0"
        assert redactor.text("a") == "[secret SHORT]"
        assert redactor.encoded('["a","a b",0]') == '["[secret SHORT]","a b",0]'
        assert redactor.error(error).args == (
            "[secret SHORT]",
            "a word, 0 for banana",
            0,
        )

    @pytest.mark.parametrize("short", ["a", "0", "ab", "set", "\u00e9", "\u00e9\u00e8"])
    def test_short_values_leave_ordinary_results_storable(self, short):
        """What holds their characters is no secret, what is they alone is."""
        redactor = Redactor({"SHORT": short})
        results = [
            {"banana": 1, short: 0, "text": f"this {short} that"},
            [0, {0, 10}, f"x{short}", f"say '{short}', \"{short}\""],
        ]

        for result in results:
            assert not redactor.is_in_data(encode(result))
        for result in (short, [1, {"a": [short]}], {short}):
            assert redactor.is_in_data(encode(result))
            assert redactor.is_in_data(json.dumps(json.loads(encode(result))))

    def test_longer_values_are_refused_anywhere(self):
        """Also as keys, and within texts."""
        for result in ({f"x{VALUE}": 1}, f"x{VALUE}", [VALUE]):
            assert self.redactor.is_in_data(encode(result))
        assert not self.redactor.is_in_data(encode([1, "text"]))

    def test_longer_value_wins(self):
        """A value that begins with another is taken out whole."""
        redactor = Redactor({"A": "hello", "B": "hello-world"})

        assert redactor.text("hello-world hello") == "[secret B] [secret A]"

    def test_without_secrets_nothing_is_found(self):
        """An empty pattern would be everywhere."""
        redactor = Redactor({})

        assert not redactor
        assert not redactor.is_in("anything")
        assert redactor.text("anything") == "anything"

    def test_repr_shows_names(self):
        """The redactor itself gives nothing away."""
        assert repr(self.redactor) == "<Redactor of KEY, PIN, TOKEN>"

    def test_encoded_text_stays_json(self):
        """A number is replaced by text, a name with quotes is escaped."""
        redactor = Redactor({'the "PIN"': 12345})
        text = '{"a":12345,"b":["12345",6]}'

        assert json.loads(redactor.encoded(text)) == {
            "a": '[secret the "PIN"]',
            "b": ['[secret the "PIN"]', 6],
        }
        assert redactor.encoded('{"a": 1}') == '{"a": 1}'
        assert redactor.encoded("no JSON 12345") == 'no JSON [secret the "PIN"]'

    def test_data_is_gone_through(self):
        """Keys, values, numbers; what holds no secret stays the same object."""
        clean = {"a": [1, 2, {"b": "c"}]}
        data = {"x": ["deep-value", 42, True, None], "k-deep-value": (VALUE,)}

        assert self.redactor.data(clean) is clean
        assert self.redactor.data(data) == {
            "x": ["[secret KEY]", "[secret PIN]", True, None],
            "k-[secret KEY]": ("[secret TOKEN]",),
        }

    @given(st.text("abcx"), st.text("abc", min_size=4))
    def test_text_holds_no_value_afterwards(self, around, value):
        """Whatever stands around it, also a part of it."""
        text = Redactor({"N": value}).text(f"{around}{value}{around}")

        assert value not in text
        assert "[secret N]" in text

    @pytest.mark.parametrize(
        "error",
        [
            ValueError(f"bad token {VALUE}"),
            KeyError(VALUE),
            ValueError({"headers": {"Authorization": f"Bearer {VALUE}"}}),
            ValueError(VALUE.encode()),
            OSError(2, "no file", f"/home/{VALUE}"),
            UnicodeDecodeError("ascii", VALUE.encode(), 0, 1, "reason"),
            Odd(1, body={"token": VALUE}),
            Stubborn(),
            FlexiFlowError(f"what {VALUE}", why=VALUE, context={"token": VALUE}),
            ExceptionGroup(f"group {VALUE}", [ValueError(VALUE), Stubborn()]),
            SystemExit(VALUE),
            StopIteration(VALUE),
        ],
        ids=lambda error: type(error).__name__,
    )
    def test_error_shows_no_value(self, error):
        """Not in its text, its attributes, nor the variables of its frames."""
        cleaned = self.redactor.error(raised(error))

        assert "s3cr3t" not in self.shown(cleaned)
        assert "[secret TOKEN]" in self.shown(cleaned)
        assert "in task" in self.shown(cleaned)  # where it was raised is still told

    def test_error_stays_what_it_is(self):
        """Its type and its other values are as they were."""
        error = self.redactor.error(raised(OSError(2, "no file", VALUE)))

        group = self.redactor.error(ExceptionGroup(f"a {VALUE}", [KeyError(1)]))

        assert type(error) is FileNotFoundError
        assert type(group) is ExceptionGroup
        assert (group.message, repr(group.exceptions)) == (
            "a [secret TOKEN]",
            "(KeyError(1),)",
        )
        assert (error.errno, error.filename) == (2, "[secret TOKEN]")

    def test_slots_are_cleaned(self):
        """An attribute need not lie in a dictionary."""
        error = Slotted("x")
        error.token = VALUE
        missing = AttributeError("no", obj=VALUE, name="x")

        assert self.redactor.error(raised(error)).token == "[secret TOKEN]"  # noqa: S105
        assert self.redactor.error(raised(missing)).obj == "[secret TOKEN]"

    def test_causes_notes_and_members_are_cleaned(self):
        """All that hangs on an error, also in a circle."""
        cause = raised(Stubborn())
        error = raised(ValueError("outer"))
        error.__cause__, cause.__context__ = cause, error
        error.add_note(f"note {VALUE}")
        error.inner = inner = ValueError(VALUE)
        cleaned = self.redactor.error(error)

        assert cleaned is error
        assert "s3cr3t" not in self.shown(cleaned) + self.shown(cleaned.__cause__)
        assert "note [secret TOKEN]" in self.shown(cleaned)
        assert cleaned.inner is inner
        assert str(inner) == "[secret TOKEN]"

    def test_cleaning_again_adds_nothing(self):
        """An error on its way up is cleaned at each step."""
        error = raised(ValueError(VALUE))
        for _ in range(20):
            error = self.redactor.error(error)
        first = list(error.__notes__)
        for _ in range(20):
            error = self.redactor.error(raised(error))

        assert len(first) == len(error.__notes__) == 1
        assert len(error.__notes__[0]) < 2 * len(first[0])

    def test_without_secrets_an_error_is_left_alone(self):
        """Its traceback is kept for whoever debugs."""
        error = raised(ValueError("x"))

        assert Redactor({}).error(error) is error
        assert error.__traceback__ is not None
