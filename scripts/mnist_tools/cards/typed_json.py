"""Convert JSON to dataclasses, and refuse JSON of any other shape."""

import dataclasses
import types
import typing


def parse(kind: typing.Any, value: object, place: str = "") -> typing.Any:
    """Convert `value`, which came from `json.loads`, to the type `kind`.

    `kind` is a dataclass, a dict with str keys, `tuple[X, ...]`, `X | None`, int, float or str;
    they may be nested. ValueError names the place that is wrong, as in "splits.train.mean:
    missing".
    """
    if dataclasses.is_dataclass(kind):
        return _parse_record(kind, value, place)
    if isinstance(kind, types.UnionType):
        return _parse_optional(kind, value, place)
    if typing.get_origin(kind) is dict:
        return _parse_mapping(kind, value, place)
    if typing.get_origin(kind) is tuple:
        return _parse_tuple(kind, value, place)
    if type(value) is kind or (kind is float and type(value) is int):  # True is not an int here
        return value
    raise _misfit(place, value, kind.__name__)


def _parse_record(kind: typing.Any, value: object, place: str) -> typing.Any:
    if not isinstance(value, dict):
        raise _misfit(place, value, "an object")
    fields = {field.name: field for field in dataclasses.fields(kind)}
    for key in value:
        if key not in fields:
            raise ValueError(f"{_join(place, key)}: unknown key")
    for name, field in fields.items():
        if name not in value and field.default is dataclasses.MISSING:
            raise ValueError(f"{_join(place, name)}: missing")
    hints = typing.get_type_hints(kind)
    return kind(**{key: parse(hints[key], each, _join(place, key)) for key, each in value.items()})


def _parse_optional(kind: types.UnionType, value: object, place: str) -> typing.Any:
    if value is None:
        return None
    present, _ = kind.__args__
    return parse(present, value, place)


def _parse_mapping(kind: typing.Any, value: object, place: str) -> dict[str, typing.Any]:
    if not isinstance(value, dict):
        raise _misfit(place, value, "an object")
    _, content = typing.get_args(kind)
    return {key: parse(content, each, _join(place, key)) for key, each in value.items()}


def _parse_tuple(kind: typing.Any, value: object, place: str) -> tuple[typing.Any, ...]:
    if not isinstance(value, list):
        raise _misfit(place, value, "a list")
    content, _ = typing.get_args(kind)
    return tuple(parse(content, each, f"{place}[{number}]") for number, each in enumerate(value))


def _join(place: str, key: str) -> str:
    return f"{place}.{key}" if place else key


def _misfit(place: str, value: object, expected: str) -> ValueError:
    found = f"{value!r:.40}"
    return ValueError(f"{place or 'content'}: {found} instead of {expected}")
