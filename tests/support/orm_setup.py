"""Tortoise sets up its models at each connect, 4 ms that depend on the models and the dialect alone.

A process connects once. A run of the tests connects some thousand times, so the result is kept by dialect.
"""

from typing import Any

from tortoise.apps import Apps

# What `Apps._build_initial_querysets` writes for the dialect; all else that it writes is the same for each.
_ATTRIBUTES = (
    "filters",
    "db_default_fields",
    "db_complex_fields",
    "db_native_fields",
    "basetable",
    "basequery",
    "basequery_all_fields",
)
_set_up: Any = Apps._build_initial_querysets
_results: dict[object, list[dict[str, Any]]] = {}  # of all models, by these and their dialect


def keep_results() -> None:
    """Let Tortoise set up the models once for each dialect, in this process."""
    Apps._build_initial_querysets = _set_up_once  # type: ignore[assignment, method-assign]


def _set_up_once(apps: Apps) -> None:
    models = [model for app in apps.apps.values() for model in app.values()]
    key = (tuple(models), tuple(model._meta.db.executor_class for model in models))
    if key not in _results:
        _set_up(apps)
        _results[key] = [
            {name: _copied(getattr(model._meta, name)) for name in _ATTRIBUTES} for model in models
        ]
        return
    for model, attributes in zip(models, _results[key], strict=True):
        for name, value in attributes.items():
            setattr(model._meta, name, _copied(value))


def _copied(value: Any) -> Any:
    """Return what later changes of the models do not reach; queries are copied by each use."""
    return value.copy() if isinstance(value, (dict, list)) else value
