"""The tables that are printed and shown in ``docs/performance.md``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.names import CASES, DRY_RUN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Rows = Sequence[Sequence[str]]


_BEGIN, _END = "<!-- results -->", "<!-- end of results -->"


def render(result: Mapping[str, Any]) -> str:
    """Return the whole result as Markdown."""
    parts = [", ".join([result["date"], *result["machine"]])]
    parts += ["### Ratios", _table(("database", "what", "against", "ratio", "bar", ""), list(_ratios(result["bars"])))]
    for database, measured in result["databases"].items():
        parts.append(f"### {measured['label']}")
        header = ("what", "who", "rows", "seconds", "rows per second")
        parts.append(_table(header, [_measurement(each) for each in measured["found"]]))
        parts.append(f"Seconds of each stage of safe_import ({database}):")
        parts.append(_stages(measured["found"]))
    return "\n\n".join(parts) + "\n"


def shown_in(page: str, result: Mapping[str, Any]) -> str:
    """Return the page with the result between its marks."""
    before, _, rest = page.partition(_BEGIN)
    return f"{before}{_BEGIN}\n{render(result)}{_END}{rest.partition(_END)[2]}"


def _ratios(bars: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, ...]]:
    for bar in bars:
        limits = [f"{limit.replace('_', ' ')} {bar[limit]:g}" for limit in ("at_most", "at_least") if bar[limit]]
        limit = " ".join(limits)
        verdict = ("met" if bar["met"] else "**missed**") if limits else ""
        yield bar["database"], bar["what"], bar["against"], f"{bar['ratio']:.2f} {bar['unit']}", limit, verdict


def _measurement(each: Mapping[str, Any]) -> tuple[str, ...]:
    memory = f", {each['mib']:.0f} MiB" if "mib" in each else ""
    rate = f"{each['rows'] / each['seconds']:,.0f}{memory}"
    return each["case"], each["who"], f"{each['rows']:,}", f"{each['seconds']:.2f}", rate


def _stages(found: Sequence[Mapping[str, Any]]) -> str:
    ours = [each for each in found if each["stages"] and each["case"] in (*CASES, DRY_RUN)]
    names = list(dict.fromkeys(name for each in ours for name in each["stages"]))
    rows = []
    for each in ours:
        stages = [f"{each['stages'][name]:.2f}" if name in each["stages"] else "" for name in names]
        rows.append((each["case"], each["who"], *stages, f"{each['seconds'] - sum(each['stages'].values()):.2f}"))
    return _table(("what", "who", *names, "other"), rows)


def _table(header: Sequence[str], rows: Rows) -> str:
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = [header, ["-" * width for width in widths], *rows]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    )
