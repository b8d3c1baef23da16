"""OTLP/JSON files, as upstream's file exporter writes them, taken apart into single records.

A record is compared together with its resource, its scope and their schema URLs, whatever
the batches it travelled in.
"""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_SIGNALS = {
    "resourceLogs": ("scopeLogs", "logRecords"),
    "resourceSpans": ("scopeSpans", "spans"),
    "resourceMetrics": ("scopeMetrics", "metrics"),
}
_KINDS = ("gauge", "sum", "histogram", "exponentialHistogram", "summary")


def records(path: Path) -> Counter[str]:
    """Every record of the file as canonical JSON text, with how often it is there."""
    if not path.exists():
        return Counter()
    # The last line may still be in writing: it counts when its newline is there.
    whole = path.read_text().rpartition("\n")[0]
    return Counter(
        json.dumps(record, sort_keys=True, ensure_ascii=False)
        for line in whole.splitlines()
        for record in _records(json.loads(line))
    )


def _records(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for signal, (scopes, items) in _SIGNALS.items():
        for resource in request.get(signal, []):
            for scope in resource.get(scopes, []):
                head = {
                    "signal": signal,
                    "resource": resource.get("resource", {}),
                    "resourceSchemaUrl": resource.get("schemaUrl", ""),
                    "scope": scope.get("scope", {}),
                    "scopeSchemaUrl": scope.get("schemaUrl", ""),
                }
                for item in scope.get(items, []):
                    for single in _points(item) if signal == "resourceMetrics" else [item]:
                        yield {**head, "record": single}


def _points(metric: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A metric once per data point, so that points may travel in different batches."""
    kind = next((k for k in _KINDS if k in metric), None)
    points = metric[kind].get("dataPoints", []) if kind else []
    if kind is None or not points:
        yield metric
    for point in points:
        yield {**metric, str(kind): {**metric[str(kind)], "dataPoints": [point]}}
