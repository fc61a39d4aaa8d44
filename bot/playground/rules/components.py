"""Rules between the fields of components, beyond the tables of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from bot.playground.errors import Form, Path
from bot.playground.rules.grammar import Field, check, check_length, is_integer, objects
from bot.playground.rules.parts import MAX_PARTS, SELECTS, ButtonStyle, ComponentType

MAX_TEXT: Final = 4000
"""Discord's limit for all text displays of one message together, in characters."""
_ROW_WIDTH: Final = 5
_NARROW: Final = (ComponentType.BUTTON,)

Json = Mapping[str, Any]
Found = tuple[Path, Json]


def check_parts(form: Form, value: Any, path: Path, table: Field, *, layout: bool = False) -> None:
    """Add to the form every problem in the components of one message or modal.

    table: which components are allowed. layout: it is a message with the flag IS_COMPONENTS_V2.
    """
    check(value, table, path, form)
    found = list(walk(value, path))
    for where, part in found:
        kind = part.get("type")
        if type(kind) is int and kind in _RULES:
            _RULES[kind](form, part, where)
    _check_unique(form, found)
    if layout:
        _check_totals(form, found, path)


def walk(value: Any, path: Path = ()) -> Iterator[Found]:
    """Yield every component of a list with its path, including nested ones, in order."""
    for position, part in objects(value):
        yield from _inside(part, (*path, position))


def _inside(part: Json, path: Path) -> Iterator[Found]:
    yield path, part
    yield from walk(part.get("components"), (*path, "components"))
    for name in ("accessory", "component"):
        child = part.get(name)
        if isinstance(child, Mapping):
            yield from _inside(child, (*path, name))


def _check_unique(form: Form, found: Sequence[Found]) -> None:
    custom_ids: set[str] = set()
    ids: set[float] = set()
    for path, part in found:
        custom_id, number = part.get("custom_id"), part.get("id")
        if isinstance(custom_id, str):
            if custom_id in custom_ids:
                message = "Component custom id cannot be duplicated"
                form.add((*path, "custom_id"), "COMPONENT_CUSTOM_ID_DUPLICATED", message)
            custom_ids.add(custom_id)
        # 0 counts as none: Discord then assigns a number.
        if is_integer(number) and number != 0:
            if number in ids:
                message = "Component id cannot be duplicated"
                form.add((*path, "id"), "COMPONENT_ID_DUPLICATED", message)
            ids.add(number)


def _check_totals(form: Form, found: Sequence[Found], path: Path) -> None:
    if len(found) > MAX_PARTS:
        message = f"The message has more than {MAX_PARTS} components"
        form.add(path, "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED", message)
    contents = [
        part.get("content") for _, part in found if part.get("type") == ComponentType.TEXT_DISPLAY
    ]
    if sum(len(each) for each in contents if isinstance(each, str)) > MAX_TEXT:
        message = f"Components displayable text size exceeds maximum size of {MAX_TEXT}"
        form.add(path, "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED", message)


def _row(form: Form, row: Json, path: Path) -> None:
    children = objects(row.get("components"))
    if len(children) > _ROW_WIDTH:
        return  # Already reported by the table.
    width = 0
    for position, child in children:
        width += 1 if child.get("type") in _NARROW else _ROW_WIDTH
        if width > _ROW_WIDTH:
            message = "The specified component exceeds the maximum width"
            place = (*path, "components", position)
            form.add(place, "COMPONENT_LAYOUT_WIDTH_EXCEEDED", message)


_NEEDED: Final[Mapping[int, str]] = {ButtonStyle.LINK: "url", ButtonStyle.PREMIUM: "sku_id"}
_UNFIT: Final[Mapping[int, tuple[str, ...]]] = {
    ButtonStyle.LINK: ("custom_id", "sku_id"),
    ButtonStyle.PREMIUM: ("custom_id", "url", "label", "emoji"),
}
_PLAIN_UNFIT: Final = ("url", "sku_id")


def _button(form: Form, button: Json, path: Path) -> None:
    style = button.get("style")
    if type(style) is not int or not 1 <= style <= 6:
        return
    needed = _NEEDED.get(style, "custom_id")
    if button.get(needed) is None:
        words = needed.replace("_", " ")
        code = f"BUTTON_COMPONENT_{needed.upper()}_REQUIRED"
        form.add((*path, needed), code, f"A {words} is required")
    for name in _UNFIT.get(style, _PLAIN_UNFIT):
        if button.get(name) is None:
            continue
        if {name, needed} == {"custom_id", "url"}:
            code = "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE"
            form.add((*path, name), code, "A custom id and url cannot both be specified")
        else:
            message = f"A button of style {style} cannot have this field"
            form.add((*path, name), "BUTTON_COMPONENT_FIELD_NOT_ALLOWED", message)
    if style != ButtonStyle.PREMIUM and not button.get("label") and button.get("emoji") is None:
        form.add((*path, "label"), "BASE_TYPE_REQUIRED", "A label or an emoji is required")
    _check_emoji(form, button, path)


def _check_emoji(form: Form, owner: Json, path: Path) -> None:
    emoji = owner.get("emoji")
    if not isinstance(emoji, Mapping) or emoji.get("id") is not None:
        return
    name = emoji.get("name")
    # No Unicode emoji is pure ASCII: this is ":art:" or a custom emoji without its id.
    if isinstance(name, str) and name.isascii():
        form.add((*path, "emoji", "name"), "BUTTON_COMPONENT_INVALID_EMOJI", "Invalid emoji")


def _select(form: Form, select: Json, path: Path) -> None:
    low, high = _bounds(form, select, path, 1)
    if select.get("type") == ComponentType.STRING_SELECT:
        _check_options(form, select, path, high)
    elif select.get("options"):
        message = "Only a string select has options."
        form.add((*path, "options"), "SELECT_COMPONENT_OPTIONS_NOT_ALLOWED", message)
    defaults = objects(select.get("default_values"))
    if defaults and not low <= len(defaults) <= high:
        _check_defaults(form, (*path, "default_values"))
    if _in_form(path):
        _check_in_form(form, select, path)


def _bounds(form: Form, part: Json, path: Path, default_high: int) -> tuple[int, int]:
    """Return the minimum and maximum number of choices."""
    low, high = part.get("min_values"), part.get("max_values")
    least = low if is_integer(low) else 1
    most = high if is_integer(high) else default_high
    if low is not None and least > most:
        form.add((*path, "min_values"), "NUMBER_TYPE_MAX", f"Must be equal to or less than {most}.")
    return int(least), int(most)


def _check_options(form: Form, part: Json, path: Path, high: int, most: int = 25) -> None:
    options = objects(part.get("options"))
    if 0 < len(options) < high <= most:
        # Discord reports it this way round: too few options, not too high a maximum.
        check_length(len(options), high, most, (*path, "options"), form)
    seen: set[str] = set()
    for position, option in options:
        value = str(option.get("value"))
        if value in seen:
            message = "The specified option value is already used"
            place = (*path, "options", position)
            form.add(place, "COMPONENT_OPTION_VALUE_DUPLICATED", message)
        seen.add(value)
        _check_emoji(form, option, (*path, "options", position))
    if sum(option.get("default") is True for _, option in options) > high:
        _check_defaults(form, (*path, "options"))


def _check_defaults(form: Form, path: Path) -> None:
    message = "The specified number of default values does not fit the specified values"
    form.add(path, "SELECT_COMPONENT_TOO_MANY_DEFAULT_VALUES", message)


def _in_form(path: Path) -> bool:
    """Return whether this component is inside a label, and so in a modal."""
    return path[-1] == "component"


def _check_in_form(form: Form, part: Json, path: Path) -> None:
    if part.get("disabled"):
        message = "Components in a modal cannot be disabled."
        form.add((*path, "disabled"), "MODAL_COMPONENT_DISABLED", message)
    if part.get("required") is not False and part.get("min_values") == 0:
        message = "Select menus marked as required cannot have a min_values of 0"
        form.add((*path, "min_values"), "SELECT_COMPONENT_REQUIRED_ZERO_MIN_VALUES", message)


def _file_upload(form: Form, part: Json, path: Path) -> None:
    _bounds(form, part, path, 1)
    _check_in_form(form, part, path)


def _radio_group(form: Form, part: Json, path: Path) -> None:
    _check_options(form, part, path, 1, 10)


def _checkbox_group(form: Form, part: Json, path: Path) -> None:
    _, high = _bounds(form, part, path, len(objects(part.get("options"))))
    _check_options(form, part, path, high, 10)
    _check_in_form(form, part, path)


def _text_input(form: Form, part: Json, path: Path) -> None:
    if not _in_form(path) and part.get("label") is None:
        form.add((*path, "label"), "BASE_TYPE_REQUIRED", "This field is required")
    low, high, value = part.get("min_length"), part.get("max_length"), part.get("value")
    if is_integer(low) and is_integer(high) and low > high:
        form.add((*path, "min_length"), "NUMBER_TYPE_MAX", f"Must be equal to or less than {high}.")
    if is_integer(high) and isinstance(value, str):
        check_length(len(value), None, int(high), (*path, "value"), form)


_RULES: Final[Mapping[int, Callable[[Form, Json, Path], None]]] = {
    ComponentType.ACTION_ROW: _row,
    ComponentType.BUTTON: _button,
    **dict.fromkeys(SELECTS, _select),
    ComponentType.TEXT_INPUT: _text_input,
    ComponentType.FILE_UPLOAD: _file_upload,
    ComponentType.RADIO_GROUP: _radio_group,
    ComponentType.CHECKBOX_GROUP: _checkbox_group,
}
