"""Values to bytes and back.

Grammar of what is stored under a key:

    stored  = counter | message | other
    counter = "-"? digit+                  an integer, as servers count it
    message = msgpack, never an integer    (codec "msgpack")
    other   = %xC1 kind                    a byte that msgpack never uses
    kind    = "j" JSON | "p" pickle | "s" HMAC-SHA256 stored
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import msgspec

from ..errors import CacheUsageError, CodecError
from ..storage.seal import KEY_FILE_VARIABLE, KEY_VARIABLE, Seal, key_from_environment

CODECS = ("msgpack", "json", "pickle")
_JSON, _PICKLE = b"\xc1j", b"\xc1p"
_COUNTER_START = frozenset(b"-0123456789")
_LAST_FIXINT = 0x7F
_MESSAGE = bytes([_LAST_FIXINT + 1])


class UndecodableError(ValueError):
    """What is stored isn't what this codec wrote: torn, forged, or another codec's."""


class Codec:
    """One way of encoding, signed or not.

    Integers are stored as decimal digits whatever the codec, so that each backend can count.
    With msgpack and JSON a tuple comes back as a list unless `type` says otherwise; only pickle
    knows every type, and is only ever unpickled under a signature that holds.
    """

    def __init__(
        self,
        name: str = "msgpack",
        *,
        type: Any = Any,  # noqa: A002  it is what msgspec calls it
        signing_key: bytes | str | None = None,
    ) -> None:
        """Prepare to encode.

        Args:
            name: `msgpack`, `json` or `pickle`.
            type: what decoded values are checked and converted to, as msgspec does it.
            signing_key: at least 16 bytes; pickle needs one, and takes it from the environment
                variable CACHEKIT_SIGNING_KEY or the file named by CACHEKIT_SIGNING_KEY_FILE
                where it isn't given.

        Raises:
            CacheUsageError: there is no such codec, or no usable key.
        """
        if name not in CODECS:
            raise CacheUsageError(f"{name!r} is no codec: write {', '.join(CODECS)}.")
        if name == "pickle" and signing_key is None:
            signing_key = key_from_environment()
            if signing_key is None:
                raise CacheUsageError(
                    "Pickles are only read if they are signed: give signing_key=, or set "
                    f"{KEY_VARIABLE} or {KEY_FILE_VARIABLE}."
                )
        self.name, self.type = name, type
        key = signing_key.encode() if isinstance(signing_key, str) else signing_key
        self._seal = None if key is None else Seal(key)
        self._dump, self._load = self._methods()

    @property
    def is_signed(self) -> bool:
        """Whether values are signed, so that no server can count them."""
        return self._seal is not None

    @property
    def plain(self) -> dict[type, Callable[[Any], bytes]]:
        """How values are encoded that come back as they were and that no reader can change.

        Only where nothing else is to be done, so that memory may keep them as they are.
        """
        if self.name == "json" or self.type is not Any or self._seal is not None:
            return {}
        pack = msgspec.msgpack.Encoder().encode
        return {**dict.fromkeys((str, bytes, float, bool, type(None)), pack), int: b"%d".__mod__}

    def encode(self, key: str, value: Any) -> bytes:
        """Return the bytes to store for `value` under the full `key`.

        Raises:
            CodecError: the codec doesn't know the type of the value or of something in it.
        """
        try:
            encoded = b"%d" % value if type(value) is int else self._dump(value)
        except Exception as error:
            raise CodecError(
                f"A {type(value).__name__} can't be stored with {self.name} ({error}): store "
                "plain data or msgspec structs, or use the pickle codec."
            ) from error
        return encoded if self._seal is None else self._seal.sign(key, encoded)

    def decode(self, key: str, stored: bytes) -> Any:
        """Return the value that was stored under the full `key`.

        Raises:
            UndecodableError: the bytes aren't what `encode` made for this key.
        """
        try:
            if self._seal is not None:
                stored = _signed_by(self._seal, key, stored)
            if stored[0] in _COUNTER_START:
                number = int(stored)
                return number if self.type is Any else msgspec.convert(number, self.type)
            return self._load(stored)
        except Exception as error:
            raise UndecodableError(str(error)) from error

    def decode_many(
        self, keys: list[str], names: list[str], found: list[bytes | None]
    ) -> tuple[dict[str, Any], int]:
        """Return the values of `keys` that are found, and how many are torn.

        Args:
            keys: what to call the values.
            names: their full names, in the same order.
            found: what is stored under these, in the same order; None where nothing is.
        """
        decode = self.decode
        if self._seal is None and self.type is Any:
            load = self._load
            try:
                # All at once, and most of them without another call for each.
                return {
                    key: load(stored) if stored >= _MESSAGE else decode(key, stored)
                    for key, stored in zip(keys, found, strict=True)
                    if stored is not None
                }, 0
            except Exception:  # noqa: BLE001, S110  whatever a decoder says of garbage
                pass
        values: dict[str, Any] = {}
        torn = set()
        for key, name, stored in zip(keys, names, found, strict=True):
            if stored is not None:
                try:
                    values[key] = decode(name, stored)
                except UndecodableError:
                    torn.add(key)
        return values, len(torn)

    def _methods(self) -> tuple[Callable[[Any], bytes], Callable[[bytes], Any]]:
        if self.name == "pickle":
            return (
                lambda value: _PICKLE + pickle.dumps(value, pickle.HIGHEST_PROTOCOL),
                # The signature has been checked: this process or one that has its key wrote it.
                lambda stored: pickle.loads(_after(_PICKLE, stored)),  # noqa: S301
            )
        if self.name == "json":
            encode = msgspec.json.Encoder().encode
            decode_json = msgspec.json.Decoder(self.type).decode
            return (
                lambda value: _JSON + encode(value),
                lambda stored: decode_json(_after(_JSON, stored)),
            )
        pack = msgspec.msgpack.Encoder().encode

        def dump(value: Any) -> bytes:
            packed = pack(value)
            # A member of an integer enumeration is packed as its number.
            return b"%d" % packed[0] if packed[0] <= _LAST_FIXINT else packed

        return dump, msgspec.msgpack.Decoder(self.type).decode


def _signed_by(seal: Seal, key: str, stored: bytes) -> bytes:
    content = seal.verified(key, stored)
    if content is None:
        raise ValueError("the signature does not hold")
    return content


def _after(start: bytes, stored: bytes) -> bytes:
    if not stored.startswith(start):
        raise ValueError("another codec wrote it")
    return stored[len(start) :]
