"""Flag before ini value before environment variable before default."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from typing import Any

import pytest

from pytest_cachekit.errors import CachekitError
from pytest_cachekit.settings import MODES, OPTIONS, Option, Settings, resolve

PLACES = ("flag", "ini", "environment")


def resolved(option: Option, values: Mapping[str, Any]) -> Any:
    settings = resolve(
        {option.ini: values.get("flag")},
        {option.ini: values["ini"]} if "ini" in values else {},
        {option.variable: values["environment"]} if "environment" in values else {},
    )
    return getattr(settings, option.ini)


def test_without_any_value_defaults_hold() -> None:
    settings = resolve({}, {}, {})

    assert settings == Settings(**{option.ini: option.default for option in OPTIONS})
    assert settings.cachekit is False


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
@pytest.mark.parametrize(
    "given",
    [places for count in (1, 2, 3) for places in itertools.combinations(PLACES, count)],
    ids=" ".join,
)
def test_the_nearest_place_wins(option: Option, given: tuple[str, ...]) -> None:
    if option.is_switch:
        winner: dict[str, Any] = {"flag": True, "ini": "true", "environment": "true"}
        loser: dict[str, Any] = {"flag": False, "ini": "false", "environment": "false"}
        expected: Any = True
    elif option.limits is not None:
        winner, loser = dict.fromkeys(PLACES, "2.5"), dict.fromkeys(PLACES, "1")
        expected = 2.5
    elif option.parse is not None:
        unit = {"SIZE": "K", "AGE": "m"}[option.metavar or ""]
        winner, loser = dict.fromkeys(PLACES, f"2{unit}"), dict.fromkeys(PLACES, f"1{unit}")
        expected = {"K": 2048, "m": 120.0}[unit]
    else:
        chosen = option.choices[-1] if option.choices else "chosen"
        other = option.choices[0] if option.choices else "other"
        winner, loser = dict.fromkeys(PLACES, chosen), dict.fromkeys(PLACES, other)
        expected = chosen
    nearest, *others = given

    assert resolved(option, {nearest: winner[nearest]} | {o: loser[o] for o in others}) == expected


@pytest.mark.parametrize("word", ["1", "true", "TRUE", "yes", "On", " true "])
def test_words_for_on(word: str) -> None:
    assert resolve({}, {"cachekit": word}, {}).cachekit is True
    assert resolve({}, {}, {"CACHEKIT": word}).cachekit is True


@pytest.mark.parametrize("word", ["0", "false", "No", "OFF", ""])
def test_words_for_off(word: str) -> None:
    assert resolve({}, {"cachekit": word}, {}).cachekit is False


def test_an_empty_ini_value_is_none_given() -> None:
    assert resolve({}, {"cachekit": ""}, {"CACHEKIT": "1"}).cachekit is True


def test_switched_off_by_flag_beats_everything() -> None:
    assert resolve({"cachekit": False}, {"cachekit": "1"}, {"CACHEKIT": "1"}).cachekit is False


@pytest.mark.parametrize("mode", MODES)
def test_known_modes(mode: str) -> None:
    assert resolve({"cachekit_mode": mode}, {}, {}).cachekit_mode == mode


@pytest.mark.parametrize(
    ("flags", "inis", "environment", "message"),
    [
        (
            {"cachekit_mode": "fast"},
            {},
            {},
            "--cachekit-mode: 'fast' is unknown: write read-write, read-only, refresh.",
        ),
        ({}, {"cachekit_mode": "fast"}, {}, "ini value cachekit_mode: 'fast' is unknown"),
        (
            {},
            {},
            {"CACHEKIT_MODE": "fast"},
            "environment variable CACHEKIT_MODE: 'fast' is unknown",
        ),
        ({}, {"cachekit": "maybe"}, {}, "ini value cachekit: 'maybe' is neither on nor off"),
        ({"cachekit_audit": "200"}, {}, {}, "--cachekit-audit: write a number from 0 to 100"),
        ({}, {"cachekit_audit": "all"}, {}, "ini value cachekit_audit: write a number from 0"),
        ({"cachekit_max_size": "much"}, {}, {}, "--cachekit-max-size: 'much' is no size: write"),
        ({}, {"cachekit_max_age": "5"}, {}, "ini value cachekit_max_age: '5' is no age: write"),
        ({}, {}, {"CACHEKIT": "2"}, "environment variable CACHEKIT: '2' is neither on nor off"),
    ],
    ids=[
        "flag",
        "ini",
        "environment",
        "ini switch",
        "number",
        "word for a number",
        "size",
        "age",
        "environment switch",
    ],
)
def test_a_wrong_value_is_named_with_its_place(
    flags: dict[str, Any], inis: dict[str, str], environment: dict[str, str], message: str
) -> None:
    with pytest.raises(CachekitError, match=re.escape(message)):
        resolve(flags, inis, environment)


def test_every_option_has_all_its_spellings() -> None:
    for option in OPTIONS:
        assert option.flag == f"--{option.name}"
        assert option.variable == option.ini.upper()
        assert option.help
        assert option.ini in Settings.__dataclass_fields__
    assert len(OPTIONS) == len(Settings.__dataclass_fields__)
