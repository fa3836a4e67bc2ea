"""``/docs``: the description of the API as one plain page, nothing from elsewhere.

The usual page of the framework loads its scripts from a public server; this one works
without a network, and tells nobody that it was opened.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["read_docs", "router"]

router = APIRouter(include_in_schema=False)

_PAGE: Final = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
  :root {{ color-scheme: light dark; }}
  body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 48rem; margin: 2rem auto;
         padding: 0 1rem; }}
  h2 {{ font: 600 1rem/1.5 ui-monospace, monospace; margin: 2rem 0 0.25rem; }}
  dt {{ font-family: ui-monospace, monospace; }}
  dd {{ margin: 0 0 0.25rem 1.5rem; }}
  pre {{ overflow-x: auto; padding: 0.5rem; border: 1px solid; border-radius: 4px; }}
</style>
<h1>{title} {version}</h1>
<p>{about}</p>
<p>For programs: <a href="openapi.json">openapi.json</a></p>
{body}
</html>
"""


@router.get("/docs", response_class=HTMLResponse)
async def read_docs(request: Request) -> HTMLResponse:
    """Show what can be asked, for people."""
    described: dict[str, Any] = request.app.openapi()
    info = described["info"]
    page = _PAGE.format(
        title=escape(info["title"]),
        version=escape(info["version"]),
        about=escape(info["description"]),
        body="\n".join(_operations(described)),
    )
    return HTMLResponse(page)


def _operations(described: dict[str, Any]) -> Iterator[str]:
    """Yield a section for each path and method."""
    schemas = described["components"]["schemas"]
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            old = " (deprecated)" if operation.get("deprecated") else ""
            yield f"<h2>{method.upper()} {escape(path)}{old}</h2>"
            yield f"<p>{escape(operation.get('description', ''))}</p>"
            rows = [*_parameters(operation), *_body(operation, schemas)]
            rows += [
                (status, answer["description"])
                for status, answer in operation["responses"].items()
            ]
            listed = "".join(
                f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in rows
            )
            yield f"<dl>{listed}</dl>"
            for sample in operation.get("x-codeSamples", ()):
                yield f"<pre>{escape(sample['source'])}</pre>"


def _parameters(operation: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the parameters of an operation, each with what it is."""
    for item in operation.get("parameters", ()):
        kind = "required" if item.get("required") else "optional"
        about = item.get("description", "")
        yield f"{item['name']} ({item['in']})", f"{kind}. {about}"


def _body(
    operation: dict[str, Any], schemas: dict[str, Any]
) -> Iterator[tuple[str, str]]:
    """Yield the fields of the body of an operation, when it takes one."""
    content = operation.get("requestBody", {}).get("content", {})
    for media, shape in content.items():
        if "description" in shape["schema"]:
            yield f"body ({media})", shape["schema"]["description"]
            continue
        name = shape["schema"].get("$ref", "").rpartition("/")[2]
        schema = schemas.get(name, {})
        yield f"body ({media})", schema.get("description", "")
        for field, about in schema.get("properties", {}).items():
            yield f"body.{field}", f"{about.get('type', '')}. {about.get('title', '')}"
