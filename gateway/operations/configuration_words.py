"""The schema's errors in the words of the person who wrote the file: what is wrong, and what to write instead."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from gateway.operations.configuration_schema import Document
from gateway.operations.toml_lines import KeyPath

_REASONS = {
    "missing": ("is missing", "add it"),
    "model_type": ("is not a table", "write it as a section of its own, in brackets"),
    "list_type": ("is not an array", "write its values in brackets, or the section in double brackets"),
    "dict_type": ("is not a table", "write it as a section of its own, in brackets"),
    "string_type": ("is not text", "write it in quotes"),
    "string_too_short": ("is empty", "write at least {min_length} character(s)"),
    "string_too_long": ("is too long", "write at most {max_length} characters"),
    "too_short": ("has too few elements", "give at least {min_length}"),
    "too_long": ("has too many elements", "give at most {max_length}"),
    "int_type": ("is not a whole number", "write digits without quotes"),
    "int_parsing": ("is not a whole number", "write digits"),
    "int_from_float": ("is not a whole number", "write digits without a fraction"),
    "float_type": ("is not a number", "write digits without quotes"),
    "finite_number": ("is not a finite number", "write digits"),
    "bool_type": ("is neither true nor false", "write true or false, without quotes"),
    "bool_parsing": ("is neither true nor false", "write true or false"),
    "path_type": ("is not a path", "write it in quotes"),
    "greater_than": ("is too small", "write a number above {gt}"),
    "greater_than_equal": ("is too small", "write {ge} or more"),
    "less_than_equal": ("is too large", "write {le} or less"),
    "enum": ("is none of the words for it", "write {expected}"),
}


def reason_and_remedy(detail: ErrorDetails) -> tuple[str, str]:
    """Reason and remedy of one error of the schema."""
    context = detail.get("ctx", {})
    if detail["type"] == "refused":
        return context["reason"], context["remedy"]
    if detail["type"] == "extra_forbidden":
        return "there is no such setting", _nearest(detail["loc"])
    reason, remedy = _REASONS.get(detail["type"], (detail["msg"], "correct the value"))
    return reason, remedy.format(**context)


def _nearest(path: KeyPath) -> str:
    """What may have been meant by an unknown key."""
    model: Any = Document
    for part in path[:-1]:
        if isinstance(part, str):
            model = _model_in(model.model_fields[part].annotation)
    matches = get_close_matches(str(path[-1]), model.model_fields, 1)
    return f"did you mean `{matches[0]}`?" if matches else f"remove it; known are {', '.join(model.model_fields)}"


def _model_in(annotation: Any) -> type[BaseModel]:
    """The model that an annotation such as ``list[Model]`` or ``Model | None`` holds."""
    if get_args(annotation):
        return _model_in(get_args(annotation)[0])
    result: type[BaseModel] = annotation
    return result
